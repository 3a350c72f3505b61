// What the cluster says it consists of: only the fields attribution, coverage and synthesis use.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/flow.h"
#include "common/net/address.h"
#include "common/net/prefix.h"

namespace outflow::inventory {

using Labels = std::map<std::string, std::string>;

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
};

struct NamedPort {
  std::string name;
  std::uint16_t number = 0;
  Protocol protocol = Protocol::Tcp;
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
};

struct Endpoint {
  std::string namespace_name;
  std::string service;
  net::Address address;
  std::uint16_t port = 0;
  Protocol protocol = Protocol::Tcp;
};

// A NetworkPolicy (networking.k8s.io) with Egress among its types.
struct EgressPolicy {
  std::string namespace_name;
  std::string name;
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
  std::map<std::string, std::uint64_t> ignored_kinds;  // kind -> objects passed over
};

}  // namespace outflow::inventory
