// Who sent a flow and to whom: the class a raw tuple is given, and may be given again.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/inventory/model.h"
#include "common/net/address.h"

namespace outflow::attribution {

// The closed list of kinds of destination, used from attribution to policy. The values are stored:
// append, never renumber.
enum class PeerKind : std::uint8_t {
  Unknown = 0,    // nobody we know; `reason` says why
  Service = 1,    // a ClusterIP, load balancer address, node port, or an endpoint that is no pod
  Workload = 2,   // a pod's own address
  Namespace = 3,  // any pod of a namespace (a generalised class)
  Node = 4,
  ApiServer = 5,
  Metadata = 6,   // 169.254.169.254, fd00:ec2::254: a cloud's instance metadata
  Name = 7,       // an FQDN the pod asked for
  Provider = 8,   // a provider's published range
  Private = 9,    // RFC 1918, RFC 6598, RFC 4193, link-local: outside the cluster, not the internet
  External = 10,  // a raw public address
  Multicast = 11,  // multicast or broadcast
};
// "service", "workload", "namespace", "node", "apiserver", "metadata", "name", "provider",
// "private", "external", "multicast", "unknown": the words of every table and of JSON.
[[nodiscard]] std::string_view to_text(PeerKind kind);

// Nobody of the cluster, as far as the inventory knew: Unknown, Private, External. A later
// inventory may know better.
[[nodiscard]] constexpr bool is_stranger(PeerKind kind) {
  return kind == PeerKind::Unknown || kind == PeerKind::Private || kind == PeerKind::External;
}
// Somebody whom the inventory has: Service, Workload, Node, ApiServer.
[[nodiscard]] constexpr bool is_in_inventory(PeerKind kind) {
  return kind == PeerKind::Service || kind == PeerKind::Workload || kind == PeerKind::Node ||
         kind == PeerKind::ApiServer;
}

struct Source {
  std::string namespace_name;  // "" when unknown
  inventory::Workload workload;
  std::string pod;
  std::string reason;  // why it is unknown: "no pod has interface cali12..."; "" when known
  // False when the flow's source address is none of the pod's own: counted apart, never judged.
  bool own_address = true;

  friend auto operator<=>(const Source&, const Source&) = default;
};

struct Peer {
  PeerKind kind = PeerKind::Unknown;
  std::string namespace_name;  // Service, Workload, Namespace
  std::string name;            // service, workload, node or name; "" otherwise
  std::string workload_kind;   // Workload: Deployment, StatefulSet ...
  std::string selector;  // Workload: Calico selector of its stable labels; "" when it has none
  std::string service;   // Workload: "ns/name" of a service with this endpoint; "" when none
  net::Address address;  // as the packet had it (ClusterIP before DNAT)
  std::string reason;    // Unknown: why; Service: how it was met ("cluster-ip", "node-port" ...)
  // The published or own range the address is in, "AWS/S3/eu-west-1"; not stored, but told anew for
  // each question.
  std::string provider = {};

  friend auto operator<=>(const Peer&, const Peer&) = default;
};

// What a person calls the peer: "service kube-system/kube-dns", "Deployment dbaas/mysql",
// "node k8s-w1", "apiserver", "192.0.2.10". The same text names the same peer without port:
// it is the identity fan-out counts, except that pod addresses of other namespaces count as
// their namespace.
[[nodiscard]] std::string display_name(const Peer& peer);

}  // namespace outflow::attribution
