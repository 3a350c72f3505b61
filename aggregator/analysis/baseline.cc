#include "aggregator/analysis/baseline.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace outflow::analysis {
namespace {

using Key = std::tuple<attribution::PeerKind, std::string, std::uint16_t, Protocol>;

struct Shared {
  const attribution::Peer* peer = nullptr;
  std::set<std::string> namespaces;
};

std::vector<std::string> missing_of(const std::set<std::string>& observed,
                                    const std::set<std::string>& sharing) {
  std::vector<std::string> missing;
  std::set_difference(observed.begin(), observed.end(), sharing.begin(), sharing.end(),
                      std::back_inserter(missing));
  if (missing.size() > kMissingMax) missing.resize(kMissingMax);
  return missing;
}

}  // namespace

Baseline baseline(std::span<const Finding> findings, std::uint32_t percent) {
  const std::uint64_t wanted = percent == 0 ? kBaselinePercent : percent;
  std::set<std::string> observed;
  std::map<Key, Shared> all;
  for (const Finding& finding : findings) {
    if (!finding.needs.empty()) observed.insert(finding.namespace_name);
    for (const Need& need : finding.needs) {
      if (proof_of(need) == Proof::Attempted) continue;
      Shared& shared =
          all[Key(need.peer.kind, attribution::display_name(need.peer), need.port, need.protocol)];
      if (shared.peer == nullptr) shared.peer = &need.peer;
      shared.namespaces.insert(finding.namespace_name);
    }
  }
  Baseline result{.observed_namespaces = observed.size(), .rows = {}};
  for (const auto& [key, shared] : all) {
    const std::uint64_t count = shared.namespaces.size();
    if (count < 2 || count * 100 < wanted * observed.size()) continue;
    result.rows.push_back(
        {.peer = *shared.peer,
         .port = std::get<2>(key),
         .protocol = std::get<3>(key),
         .namespaces = count,
         .percent = 100.0 * static_cast<double>(count) / static_cast<double>(observed.size()),
         .missing = missing_of(observed, shared.namespaces)});
  }
  std::stable_sort(
      result.rows.begin(), result.rows.end(),
      [](const BaselineRow& a, const BaselineRow& b) { return a.namespaces > b.namespaces; });
  return result;
}

}  // namespace outflow::analysis
