// What the cluster says it consists of: only the fields attribution, coverage and synthesis use.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/flow.h"
#include "common/net/address.h"
#include "common/net/prefix.h"

namespace outflow::inventory {

using Labels = std::map<std::string, std::string>;

// What is listed and watched; the order is the order of first listing: owners before pods, so that
// a pod's workload is known when the pod is.
enum class Kind : std::uint8_t {
  Namespace,
  Node,
  ReplicaSet,
  Deployment,
  StatefulSet,
  DaemonSet,
  CronJob,
  Job,
  Pod,
  Service,
  EndpointSlice,
  NetworkPolicy,
  // Calico's (projectcalico.org/v3, else crd.projectcalico.org/v1), where they exist.
  CalicoTier,
  CalicoPolicy,        // namespaced NetworkPolicy
  GlobalCalicoPolicy,  // GlobalNetworkPolicy
  NetworkSet,
  GlobalNetworkSet,
};
inline constexpr std::size_t kKinds = 17;

// When we were told of an object and its addresses, by our clock; only the live inventory knows.
// All epoch: a file said it is there.
struct Told {
  // It came no earlier than this; epoch when nobody watched before it was there.
  TimePoint not_before{};
  TimePoint first{};    // when we first knew of it and its addresses
  TimePoint leaving{};  // when we first knew it to be deleting or finished; epoch: it is neither
  // With `gone`: when it was last known to be there. A deletion that was told has both alike; one
  // that was missed has the time its absence was noticed as `gone`.
  TimePoint last{};
  TimePoint gone{};  // epoch: it is there
  friend bool operator==(const Told&, const Told&) = default;
};

// The owner a person would name: Deployment/web, CronJob/backup, or Pod/x for a bare pod.
struct Workload {
  std::string kind;
  std::string name;
  friend auto operator<=>(const Workload&, const Workload&) = default;
};

struct Namespace {
  std::string name;
  Labels labels;
};

struct Node {
  std::string name;
  std::vector<net::Address> addresses;  // InternalIP, ExternalIP
  std::vector<net::Prefix> pod_cidrs;
  Told told;
};

struct NamedPort {
  std::string name;
  std::uint16_t number = 0;
  Protocol protocol = Protocol::Tcp;
  friend bool operator==(const NamedPort&, const NamedPort&) = default;
};

struct Pod {
  std::string namespace_name;
  std::string name;
  std::string uid;    // of one life of the name; "" when nothing told it
  std::string node;   // "" until scheduled
  std::string phase;  // Pending Running Succeeded Failed Unknown
  bool host_network = false;
  bool deleting = false;
  std::vector<net::Address> addresses;
  Labels labels;
  Workload workload;
  std::vector<NamedPort> ports;
  TimePoint started{};  // status.startTime; epoch when absent
  TimePoint ended{};    // when its last container ended; epoch when it runs, or nothing says so
  Told told;
};
[[nodiscard]] inline bool is_finished(const Pod& pod) {
  return pod.phase == "Succeeded" || pod.phase == "Failed";
}

struct ServicePort {
  std::string name;
  std::uint16_t port = 0;
  std::string target_port;      // "8080", or a container port's name
  std::uint16_t node_port = 0;  // 0 when none
  Protocol protocol = Protocol::Tcp;
};

struct Service {
  std::string namespace_name;
  std::string name;
  std::string type;                             // ClusterIP NodePort LoadBalancer ExternalName
  std::vector<net::Address> cluster_addresses;  // none for a headless service
  std::vector<net::Address> outside_addresses;  // externalIPs and load balancer ingress addresses
  std::vector<ServicePort> ports;
  Labels selector;
  Told told;
};

struct Endpoint {
  std::string namespace_name;
  std::string service;
  net::Address address;
  std::uint16_t port = 0;
  Protocol protocol = Protocol::Tcp;
};

// An owner of addresses with the times it had them (`told`), as it is kept on disk.
using Held = std::variant<Pod, Service, Node>;

// A NetworkPolicy (networking.k8s.io) with Egress among its types.
struct EgressPolicy {
  std::string namespace_name;
  std::string name;
};

// A Calico policy, as far as it says whether it decides egress before a policy of ours.
struct CalicoPolicy {
  Kind kind{};                 // CalicoPolicy or GlobalCalicoPolicy
  std::string namespace_name;  // "" of a global one
  std::string name;
  std::string tier = "default";
  std::optional<double> order;  // absent: after all that have one
  std::string selector;         // of pods; "" = all()
  std::string namespace_selector;
  std::string service_account_selector;
  bool egress = false;  // Egress among its types, or it has egress rules and no types
  bool allows = false;  // an egress rule with action Allow
  bool denies = false;
  bool passes = false;
};

struct CalicoTier {
  std::string name;
  std::optional<double> order;
  std::string default_action = "Deny";  // Deny or Pass
};

struct NetworkSet {
  Kind kind{};  // NetworkSet or GlobalNetworkSet
  std::string namespace_name;
  std::string name;
  Labels labels;
  std::vector<net::Prefix> nets;
};

struct Model {
  std::vector<Namespace> namespaces;
  std::vector<Node> nodes;
  std::vector<Pod> pods;
  std::vector<Service> services;
  std::vector<Endpoint> endpoints;
  std::vector<EgressPolicy> egress_policies;
  // NetworkPolicies were among what was read, egress or not. Without any it is not known whether
  // there are none or nobody asked.
  bool has_network_policies = false;
  std::vector<CalicoPolicy> calico_policies;
  std::vector<CalicoTier> calico_tiers;
  std::vector<NetworkSet> network_sets;
  bool has_calico_policies = false;  // the same of Calico's own policies and tiers
  // Services and nodes that are gone, and whose addresses others may have by now.
  std::vector<Service> past_services;
  std::vector<Node> past_nodes;
  std::map<std::string, std::uint64_t> ignored_kinds;  // kind -> objects passed over
};

}  // namespace outflow::inventory
