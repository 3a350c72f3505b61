#include "aggregator/attribution/attribute.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/special.h"

namespace outflow::attribution {
namespace {

using inventory::Pod;
using inventory::PodPtr;
using inventory::Service;
using inventory::Snapshot;

Source source_of(const Pod& pod) {
  Source source;
  source.namespace_name = pod.namespace_name;
  source.workload = pod.workload;
  source.pod = pod.name;
  return source;
}

bool holds(const std::vector<net::Address>& addresses, const net::Address& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

// "" for a value that cannot stand between single quotes (Calico's selectors know no escapes), or
// is empty. Kubernetes allows no such value, but a file may hold anything.
std::string equals(std::string_view label, const inventory::Labels& labels) {
  const auto found = labels.find(std::string(label));
  if (found == labels.end() || found->second.empty()) return "";
  const bool writable = std::all_of(found->second.begin(), found->second.end(), [](char c) {
    return static_cast<unsigned char>(c) >= ' ' && c != '\'';
  });
  if (!writable) return "";
  return std::string(label) + " == '" + found->second + "'";
}

std::string stable_selector(const inventory::Labels& labels) {
  for (const std::string_view label : inventory::kStableLabels) {
    std::string selector = equals(label, labels);
    if (selector.empty()) continue;
    if (label == inventory::kStableLabels.front()) {
      const std::string instance = equals(inventory::kInstanceLabel, labels);
      if (!instance.empty()) selector += " && " + instance;
    }
    return selector;
  }
  return "";
}

Peer service_peer(const Service& service, std::string how) {
  Peer peer;
  const bool api_server = service.namespace_name == "default" && service.name == "kubernetes";
  peer.kind = api_server ? PeerKind::ApiServer : PeerKind::Service;
  peer.namespace_name = service.namespace_name;
  peer.name = service.name;
  peer.reason = std::move(how);
  return peer;
}

Peer pod_peer(const Pod& pod, std::uint16_t port, Protocol protocol, const net::Address& address,
              const Snapshot& snapshot) {
  Peer peer;
  peer.kind = PeerKind::Workload;
  peer.namespace_name = pod.namespace_name;
  peer.name = pod.workload.name;
  peer.workload_kind = pod.workload.kind;
  peer.selector = stable_selector(pod.labels);
  const Service* service = snapshot.service_by_endpoint(address, port, protocol);
  if (service != nullptr) peer.service = service->namespace_name + "/" + service->name;
  return peer;
}

// How a service is met by an address from outside the cluster's service network.
std::string outside_reason(const Service& service) {
  return service.type == "LoadBalancer" ? "load-balancer" : "external-ip";
}

bool is_cluster_address(const Service& service, const net::Address& address) {
  return holds(service.cluster_addresses, address);
}

Peer outside_peer(const net::Address& destination) {
  Peer peer;
  switch (net::special_of(destination)) {
    case net::Special::None:
      peer.kind = PeerKind::External;
      break;
    case net::Special::Metadata:
      peer.kind = PeerKind::Metadata;
      break;
    case net::Special::Multicast:
      peer.kind = PeerKind::Multicast;
      break;
    case net::Special::Private:
      peer.kind = PeerKind::Private;
      break;
    case net::Special::Unspecified:
      peer.reason = "an unspecified address";
      break;
    case net::Special::Loopback:
      peer.reason = "a loopback address that left a pod";
      break;
  }
  return peer;
}

Peer node_peer(const inventory::Node& node, std::uint16_t port, Protocol protocol,
               const Snapshot& snapshot) {
  const Service* service = snapshot.service_by_node_port(port, protocol);
  if (service != nullptr) return service_peer(*service, "node-port");
  Peer peer;
  peer.kind = PeerKind::Node;
  peer.name = node.name;
  return peer;
}

// An address that no pod had then, or that is no pod's at all.
Peer nobody_peer(const net::Address& destination, TimePoint time, const Snapshot& snapshot) {
  Peer peer = outside_peer(destination);
  // Multicast and metadata are what they are; whatever else may be somebody by now.
  if (is_stranger(peer.kind) && time > snapshot.known_until()) {
    peer.kind = PeerKind::Unknown;
    peer.reason = inventory::kNotKnownThen;
    return peer;
  }
  const std::string why = snapshot.why_nobody(destination, time);
  if (why.empty() && !snapshot.in_pod_network(destination)) return peer;
  peer.kind = PeerKind::Unknown;
  peer.reason = why.empty() ? "in a pod network, but no pod of the inventory has it" : why;
  return peer;
}

// Somebody's of the pods, and it is not known whose.
bool may_be_a_pods(const net::Address& destination, TimePoint time, const Snapshot& snapshot) {
  return !snapshot.why_no_pod(destination, time).empty() ||
         (time > snapshot.known_until() && snapshot.in_pod_network(destination));
}

Peer classify(const net::Address& destination, std::uint16_t port, Protocol protocol,
              TimePoint time, const Snapshot& snapshot) {
  if (const PodPtr pod = snapshot.pod_by_address(destination, time)) {
    return pod_peer(*pod, port, protocol, destination, snapshot);
  }
  const Service* service = snapshot.service_by_address(destination, time);
  if (service != nullptr && is_cluster_address(*service, destination)) {
    return service_peer(*service, "cluster-ip");
  }
  if (const Service* outside = snapshot.service_by_outside_address(destination, port, protocol)) {
    return service_peer(*outside, outside_reason(*outside));
  }
  if (protocol == Protocol::Tcp && snapshot.is_api_server(destination, port)) {
    Peer peer;
    peer.kind = PeerKind::ApiServer;
    peer.namespace_name = "default";
    peer.name = "kubernetes";
    peer.reason = "endpoint";
    return peer;
  }
  // Before the node: a service on its nodes' network has those of tomorrow, too. Not of a pod's
  // address, though: whose it was is not known, and behind a service is no answer to that.
  const Service* behind = snapshot.service_by_endpoint(destination, port, protocol);
  if (behind != nullptr && may_be_a_pods(destination, time, snapshot)) {
    return nobody_peer(destination, time, snapshot);
  }
  if (behind != nullptr) return service_peer(*behind, "endpoint");
  if (const inventory::Node* node = snapshot.node_by_address(destination, time)) {
    return node_peer(*node, port, protocol, snapshot);
  }
  if (service != nullptr) return service_peer(*service, outside_reason(*service));
  return nobody_peer(destination, time, snapshot);
}

bool is_same(const Pod& a, const Pod& b) {
  return a.namespace_name == b.namespace_name && a.name == b.name;
}

// Why none of the addresses routed to an interface leads to a pod.
std::string why_no_pod_behind(const Interface& interface, TimePoint time,
                              const Snapshot& snapshot) {
  std::string reason = "no pod of the inventory has interface " + interface.name;
  if (time > snapshot.known_until()) {
    return reason.append("; ").append(inventory::kNotKnownThen);
  }
  for (const net::Address& address : interface.addresses) {
    const std::string why = snapshot.why_no_pod(address, time);
    if (!why.empty())
      return reason.append("; ").append(address.to_string()).append(": ").append(why);
  }
  return reason;
}

// The pod whose interface this is, or why nobody knows it.
Result<PodPtr> pod_behind(const Interface& interface, TimePoint time, const Snapshot& snapshot) {
  PodPtr found = snapshot.pod_by_interface(interface.name, time);
  if (found != nullptr) return found;
  for (const net::Address& address : interface.addresses) {
    PodPtr pod = snapshot.pod_by_address(address, time);
    if (pod == nullptr || (found != nullptr && is_same(*pod, *found))) continue;
    if (found != nullptr) {
      return fail("the addresses routed to " + interface.name + " are those of two pods, " +
                  found->namespace_name + "/" + found->name + " and " + pod->namespace_name + "/" +
                  pod->name);
    }
    found = std::move(pod);
  }
  if (found == nullptr) return fail(why_no_pod_behind(interface, time, snapshot));
  if (inventory::is_calico_interface_name(interface.name)) {
    return fail("interface " + interface.name + " is not that of pod " + found->namespace_name +
                "/" + found->name + ", which has its address");
  }
  return found;
}

}  // namespace

Source attribute_source(const Interface& interface, const net::Address& packet_source,
                        TimePoint time, const Snapshot& snapshot) {
  const auto behind = pod_behind(interface, time, snapshot);
  const PodPtr pod = behind ? *behind : nullptr;
  Source source;
  if (pod != nullptr) {
    source = source_of(*pod);
  } else {
    source.reason = behind.error().what;
  }
  // Where nobody told the pod's addresses there is nothing to hold the packet's claim against.
  const bool any_known =
      !interface.addresses.empty() || (pod != nullptr && !pod->addresses.empty());
  source.own_address = !any_known || holds(interface.addresses, packet_source) ||
                       (pod != nullptr && holds(pod->addresses, packet_source));
  return source;
}

Source attribute_log_source(std::string_view interface_name, const net::Address& source,
                            TimePoint time, const Snapshot& snapshot) {
  PodPtr pod = snapshot.pod_by_interface(interface_name, time);
  if (pod == nullptr) pod = snapshot.pod_by_address(source, time);
  if (pod != nullptr) return source_of(*pod);
  Source unknown;
  if (const inventory::Node* node = snapshot.node_by_address(source, time)) {
    unknown.reason = source.to_string() + " is node " + node->name + ", no pod";
    return unknown;
  }
  if (const std::string why = snapshot.why_no_pod(source, time); !why.empty()) {
    unknown.reason = source.to_string().append(": ").append(why);
    return unknown;
  }
  if (time > snapshot.known_until()) {
    unknown.reason = inventory::kNotKnownThen;
    return unknown;
  }
  unknown.reason = "no pod of the inventory has " +
                   (interface_name.empty() ? "address " + source.to_string()
                                           : "interface " + std::string(interface_name) +
                                                 " or address " + source.to_string());
  return unknown;
}

Peer attribute_peer(const net::Address& destination, std::uint16_t port, Protocol protocol,
                    TimePoint time, const Snapshot& snapshot) {
  Peer peer = classify(destination, port, protocol, time, snapshot);
  peer.address = destination;
  return peer;
}

}  // namespace outflow::attribution
