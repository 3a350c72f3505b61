#include "aggregator/analysis/fanout.h"

#include <map>
#include <set>

#include "common/net/special.h"

namespace outflow::analysis {
namespace {

using attribution::Naming;
using attribution::Peer;
using attribution::PeerKind;

enum class Column : std::uint8_t { PodNamespace, Service, Name, Cidr, Raw, Other, Own };

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
      return Column::Name;
    case PeerKind::Provider:
      return Column::Cidr;
    case PeerKind::Private:
    case PeerKind::External:
    case PeerKind::Unknown:
      break;
  }
  return Column::Raw;
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
    case Column::Name:
      return fanout.names;
    case Column::Cidr:
      return fanout.cidrs;
    case Column::Raw:
      break;
  }
  return fanout.raw_addresses;
}

// What the needs of one peer say together.
struct Together {
  bool answered = false;
  bool ambiguous = false;
  bool name_unknown = false;
};

// Whether a lookup may have been made that nobody saw; imported lines tell of none at all.
bool may_have_a_name(Naming naming) {
  return naming == Naming::None || naming == Naming::Unknown || naming == Naming::OpaqueResolver;
}

void count(const Identity& identity, const Together& peer, Fanout& fanout) {
  const Column column = identity.first;
  ++counter_of(fanout, column);
  if (column != Column::Own && !peer.answered) ++fanout.unanswered;
  if (column == Column::Name && peer.ambiguous) ++fanout.ambiguous;
  const bool nameless = column == Column::Cidr || column == Column::Raw;
  if (nameless && peer.name_unknown) ++fanout.name_unknown;
}

}  // namespace

Peer without_name(const store::History& history) {
  const PeerKind kind = history.peer.kind;
  if (kind != PeerKind::Name && kind != PeerKind::Provider) return history.peer;
  Peer raw;
  const bool is_private = net::special_of(history.raw.destination) == net::Special::Private;
  raw.kind = is_private ? PeerKind::Private : PeerKind::External;
  raw.address = history.raw.destination;
  return raw;
}

bool is_own(const Peer& peer, const std::string& namespace_name) {
  const bool has_namespace = peer.kind == PeerKind::Service || peer.kind == PeerKind::Workload ||
                             peer.kind == PeerKind::Namespace;
  return has_namespace && peer.namespace_name == namespace_name;
}

Fanout fanout_of(const std::string& namespace_name, std::span<const Need> needs,
                 std::span<const Need> apart) {
  std::map<Identity, Together> peers;
  for (const Need& need : needs) {
    Together& peer = peers[identity_of(need.peer, namespace_name)];
    peer.answered = peer.answered || proof_of(need) == Proof::Established;
    peer.ambiguous = peer.ambiguous || need.naming.naming == Naming::Ambiguous;
    peer.name_unknown = peer.name_unknown || may_have_a_name(need.naming.naming);
  }
  Fanout fanout;
  for (const auto& [identity, peer] : peers) count(identity, peer, fanout);
  fanout.external = fanout.names + fanout.cidrs + fanout.raw_addresses;
  std::set<Identity> inferred;
  for (const Need& need : apart) {
    const Identity identity = identity_of(need.peer, namespace_name);
    if ((need.stats.flags & kFlowInferred) != 0 && !peers.contains(identity)) {
      inferred.insert(identity);
    }
  }
  fanout.inferred = inferred.size();
  return fanout;
}

}  // namespace outflow::analysis
