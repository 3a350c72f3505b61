#include "aggregator/analysis/analyse.h"

#include <cassert>
#include <tuple>
#include <utility>

#include "aggregator/analysis/fanout.h"

namespace outflow::analysis {
namespace {

// In the order findings are printed in.
using NeedKey = std::tuple<attribution::PeerKind, std::string, std::uint16_t, Protocol>;
using Needs = std::map<NeedKey, Need>;

// Which of two records' peers stands for the need: the latest one's. Equal times are settled by the
// values, so that the order records come in does not matter.
bool is_newer(const store::History& history, const Need& need) {
  return std::tie(history.stats.last_seen, history.peer) >
         std::tie(need.stats.last_seen, need.peer);
}

void add_to(Needs& needs, const store::History& history) {
  const NeedKey key(history.peer.kind, attribution::display_name(history.peer), history.raw.port,
                    history.raw.protocol);
  const auto [entry, is_new] = needs.try_emplace(key);
  Need& need = entry->second;
  const bool newer = is_new || is_newer(history, need);
  if (newer) need.peer = history.peer;
  merge_naming(history, newer, need.naming);
  need.port = history.raw.port;
  need.protocol = history.raw.protocol;
  need.stats.merge(history.stats);
  // The store keeps the bits that set a record apart in its key.
  need.stats.flags |= history.raw.apart;
  need.days.insert(history.day);
  need.addresses.insert(history.raw.destination);
  if (!history.source.workload.name.empty()) {
    need.workloads.insert(history.source.workload.kind + "/" + history.source.workload.name);
  }
  if (!history.source.pod.empty()) need.pods.insert(history.source.pod);
  const bool logged = history.raw.evidence == store::Evidence::Log;
  (logged ? need.from_log : need.from_agent) = true;
  need.always_older = need.always_older && (history.stats.flags & kFlowPreExisting) != 0;
}

bool has_handshake(Protocol protocol) {
  return protocol == Protocol::Tcp || protocol == Protocol::Sctp;
}

std::vector<Need> values_of(Needs&& needs) {
  std::vector<Need> values;
  values.reserve(needs.size());
  for (auto& [key, need] : needs) values.push_back(std::move(need));
  return values;
}

}  // namespace

void merge_naming(const store::History& history, bool newer, attribution::NameEvidence& naming) {
  if (newer) return naming.merge(history.naming);
  attribution::NameEvidence older = history.naming;
  older.merge(naming);
  naming = std::move(older);
}

Proof proof_of(const Need& need) {
  if (need.stats.established > 0) return Proof::Established;
  return !has_handshake(need.protocol) && need.stats.packets > 0 && need.days.size() >= 2
             ? Proof::OneWay
             : Proof::Attempted;
}

bool is_pre_existing(const Need& need) {
  if (!need.always_older) return false;
  return (has_handshake(need.protocol) ? need.stats.attempts : need.stats.packets) == 0;
}

struct Analysis::State {
  std::string namespace_name;
  Needs needs;
  Needs apart;
  std::uint64_t records = 0;
};

Analysis::Analysis(std::string namespace_name) : state_(std::make_unique<State>()) {
  state_->namespace_name = std::move(namespace_name);
}
Analysis::~Analysis() = default;
Analysis::Analysis(Analysis&&) noexcept = default;

void Analysis::add(const store::History& history) {
  assert(history.source.namespace_name == state_->namespace_name);
  const bool is_apart = history.raw.apart != 0 || !history.source.own_address;
  add_to(is_apart ? state_->apart : state_->needs, history);
  ++state_->records;
}

Finding Analysis::finish(Horizon horizon, const GeneraliseOptions& options) && {
  Finding finding;
  finding.namespace_name = std::move(state_->namespace_name);
  finding.needs = generalise(values_of(std::move(state_->needs)), options);
  finding.apart = generalise(values_of(std::move(state_->apart)), options);
  finding.fanout = fanout_of(finding.namespace_name, finding.needs, finding.apart);
  finding.horizon = std::move(horizon);
  finding.records = state_->records;
  return finding;
}

}  // namespace outflow::analysis
