#include "aggregator/attribution/edge.h"

#include <array>
#include <utility>

namespace outflow::attribution {
namespace {

constexpr std::array<std::string_view, 12> kKindNames{
    "unknown",  "service", "workload", "namespace", "node",     "apiserver",
    "metadata", "name",    "provider", "private",   "external", "multicast"};

}  // namespace

std::string_view to_text(PeerKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  return index < kKindNames.size() ? kKindNames[index] : "unknown";
}

std::string display_name(const Peer& peer) {
  switch (peer.kind) {
    case PeerKind::Service:
      return "service " + peer.namespace_name + "/" + peer.name;
    case PeerKind::Workload:
      return peer.workload_kind + " " + peer.namespace_name + "/" + peer.name;
    case PeerKind::Namespace:
      return "namespace " + peer.namespace_name;
    case PeerKind::Node:
      return "node " + peer.name;
    case PeerKind::ApiServer:
      return "apiserver";
    case PeerKind::Name:
    case PeerKind::Provider:
      return peer.name;
    case PeerKind::Unknown:
    case PeerKind::Metadata:
    case PeerKind::Private:
    case PeerKind::External:
    case PeerKind::Multicast:
      break;
  }
  return peer.address.to_string();
}

}  // namespace outflow::attribution
