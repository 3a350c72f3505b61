#include "aggregator/attribution/naming.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace outflow::attribution {

std::string_view to_text(Naming naming) {
  constexpr std::array<std::string_view, 6> kNames{
      "", "named", "ambiguous", "raw-address", "opaque-resolver", "unknown"};
  const auto index = static_cast<std::size_t>(naming);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::string_view to_text(Basis basis) {
  switch (basis) {
    case Basis::Pod:
      return "pod";
    case Basis::Node:
      return "node";
    case Basis::Cluster:
      break;
  }
  return "cluster";
}

void NameEvidence::merge(const NameEvidence& newer) {
  naming = newer.naming;
  reason = newer.reason;
  if (!newer.target.empty()) target = newer.target;
  for (const Candidate& candidate : newer.candidates) {
    const auto same = std::find_if(candidates.begin(), candidates.end(),
                                   [&](const auto& one) { return one.name == candidate.name; });
    if (same == candidates.end()) {
      candidates.push_back(candidate);
      continue;
    }
    const bool said_name = same->said || candidate.said;
    if (candidate.permille > same->permille) *same = candidate;
    same->said = said_name;
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(b.permille, a.name) < std::tie(a.permille, b.name);
  });
  if (candidates.size() > kCandidatesMax) candidates.resize(kCandidatesMax);
  for (const SaidEvidence& one : newer.said) {
    const auto same = std::find_if(said.begin(), said.end(), [&](const auto& other) {
      return other.name == one.name && other.flags == one.flags;
    });
    if (same != said.end()) {
      same->count += one.count;
    } else if (said.size() < kSaidMax) {
      said.push_back(one);
    }
  }
  std::sort(said.begin(), said.end());
}

}  // namespace outflow::attribution
