#include "aggregator/analysis/fanout.h"

#include <map>
#include <set>

namespace outflow::analysis {
namespace {

using attribution::Peer;
using attribution::PeerKind;

enum class Column : std::uint8_t { PodNamespace, Service, External, Other, Own };

Column column_of(const Peer& peer, const std::string& namespace_name) {
  if (is_own(peer, namespace_name)) return Column::Own;
  switch (peer.kind) {
    case PeerKind::Workload:
    case PeerKind::Namespace:
      return Column::PodNamespace;
    case PeerKind::Service:
      return Column::Service;
    case PeerKind::Node:
    case PeerKind::ApiServer:
    case PeerKind::Metadata:
    case PeerKind::Multicast:
      return Column::Other;
    case PeerKind::Name:
    case PeerKind::Provider:
    case PeerKind::Private:
    case PeerKind::External:
    case PeerKind::Unknown:
      break;
  }
  return Column::External;
}

// What is counted once: a column and the peer's name in it. Pods of another namespace count as
// their namespace, however many workloads, addresses and ports it has.
using Identity = std::pair<Column, std::string>;

Identity identity_of(const Peer& peer, const std::string& namespace_name) {
  const Column column = column_of(peer, namespace_name);
  if (column == Column::PodNamespace) return {column, peer.namespace_name};
  return {column, attribution::display_name(peer)};
}

std::uint64_t& counter_of(Fanout& fanout, Column column) {
  switch (column) {
    case Column::PodNamespace:
      return fanout.pod_namespaces;
    case Column::Service:
      return fanout.services;
    case Column::Other:
      return fanout.other;
    case Column::Own:
      return fanout.own;
    case Column::External:
      break;
  }
  return fanout.external;
}

}  // namespace

bool is_own(const Peer& peer, const std::string& namespace_name) {
  const bool has_namespace = peer.kind == PeerKind::Service || peer.kind == PeerKind::Workload ||
                             peer.kind == PeerKind::Namespace;
  return has_namespace && peer.namespace_name == namespace_name;
}

Fanout fanout_of(const std::string& namespace_name, std::span<const Need> needs,
                 std::span<const Need> apart) {
  std::map<Identity, bool> answered;  // peer -> whether any of its needs ever was
  for (const Need& need : needs) {
    bool& known = answered[identity_of(need.peer, namespace_name)];
    known = known || proof_of(need) == Proof::Established;
  }
  Fanout fanout;
  for (const auto& [identity, was_answered] : answered) {
    ++counter_of(fanout, identity.first);
    if (identity.first != Column::Own && !was_answered) ++fanout.unanswered;
  }
  std::set<Identity> inferred;
  for (const Need& need : apart) {
    const Identity identity = identity_of(need.peer, namespace_name);
    if ((need.stats.flags & kFlowInferred) != 0 && !answered.contains(identity)) {
      inferred.insert(identity);
    }
  }
  fanout.inferred = inferred.size();
  return fanout;
}

}  // namespace outflow::analysis
