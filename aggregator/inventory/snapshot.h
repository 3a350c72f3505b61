// The model with its indexes: who owns an address, an interface, a service port. Immutable, shared
// as shared_ptr<const Snapshot>; every query is a pure function of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aggregator/inventory/life.h"
#include "aggregator/inventory/model.h"
#include "aggregator/inventory/span.h"

namespace outflow::inventory {

// Calico's host-side veth of a pod: "cali" + the first 11 hex digits of sha1("<namespace>.<pod>")
// (calico libcalico-go/lib/backend/k8s/conversion/workload_endpoint_default.go,
// VethNameForWorkload).
[[nodiscard]] std::string calico_interface_name(std::string_view namespace_name,
                                                std::string_view pod);

// Whether a name has that form, so that it is one pod's and no other's.
[[nodiscard]] bool is_calico_interface_name(std::string_view name);

// A pod made for who asks; null when there is none.
using PodPtr = std::shared_ptr<const Pod>;

// What only a live inventory knows beside its model.
struct Lives {
  std::vector<LifePtr> pods;  // there and gone, by namespace and name
  // Up to when what was told last of pods, services and nodes is known to have been so.
  TimePoint pods_until = kForever;
  TimePoint services_until = kForever;
  TimePoint nodes_until = kForever;
  // The earliest of these and of what else names an end; epoch before all was told once.
  TimePoint known_until = kForever;
};

class Snapshot {
 public:
  // `model.pods` are kept small and are not in model() any more. One of a file: what is there was
  // there from its start on, and is for ever.
  Snapshot(Model model, TimePoint as_of);
  Snapshot(Model model, Lives lives, TimePoint as_of);

  // Who had the address at `time`, by the rules of span.h; null when nobody had, or it is not
  // certain who. Host-network pods own no address here. Those who are gone count, too.
  [[nodiscard]] PodPtr pod_by_address(const net::Address& address, TimePoint time) const;
  // Why none of the pods that claim the address had it at `time`; "" when one had, or none claims
  // it.
  [[nodiscard]] std::string why_no_pod(const net::Address& address, TimePoint time) const;
  // The same for whoever claims it: pods, ClusterIPs, and nodes where it is not certain which.
  [[nodiscard]] std::string why_nobody(const net::Address& address, TimePoint time) const;
  // Calico's interface name is namespace and name of a pod, so it outranks addresses and needs no
  // slack: of several lives of the name it is the one of the time, else the one nearest to it.
  [[nodiscard]] PodPtr pod_by_interface(std::string_view interface_name, TimePoint time) const;
  // The same without making one.
  [[nodiscard]] bool has_pod(const net::Address& address, TimePoint time) const;
  [[nodiscard]] bool has_interface(std::string_view interface_name) const;
  [[nodiscard]] const Node* node_by_address(const net::Address& address, TimePoint time) const;
  // A ClusterIP, external IP or load balancer address; null for what a pod claims. Only who had a
  // ClusterIP hangs on the time.
  [[nodiscard]] const Service* service_by_address(const net::Address& address,
                                                  TimePoint time) const;
  // The service with this external IP or load balancer address and port. Several services may share
  // such an address, and it may be a node's: only the port tells.
  [[nodiscard]] const Service* service_by_outside_address(const net::Address& address,
                                                          std::uint16_t port,
                                                          Protocol protocol) const;
  // The service whose node port this is; addresses of nodes only.
  [[nodiscard]] const Service* service_by_node_port(std::uint16_t port, Protocol protocol) const;
  // The service that has (address, port, protocol) among its endpoints; the first by name when
  // several.
  [[nodiscard]] const Service* service_by_endpoint(const net::Address& address, std::uint16_t port,
                                                   Protocol protocol) const;
  [[nodiscard]] const Service* service(std::string_view namespace_name,
                                       std::string_view name) const;
  [[nodiscard]] const Namespace* namespace_named(std::string_view name) const;
  // Inside a node's pod CIDR, whoever owns it.
  [[nodiscard]] bool in_pod_network(const net::Address& address) const;
  // An address:port behind the service default/kubernetes.
  [[nodiscard]] bool is_api_server(const net::Address& address, std::uint16_t port) const;
  // Those that are there, by name; of a namespace, or all.
  [[nodiscard]] std::vector<PodPtr> pods_of(std::string_view namespace_name) const;
  [[nodiscard]] std::vector<PodPtr> pods() const;
  [[nodiscard]] std::size_t pod_count() const;

  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] TimePoint as_of() const { return as_of_; }
  // What came after this is not known: the feed had failed, or had not told all yet. A file is
  // taken as if it were true for ever.
  [[nodiscard]] TimePoint known_until() const { return lives_.known_until; }

 private:
  struct Indexes;
  struct PodIndex;

  [[nodiscard]] Verdict pod_verdict(const net::Address& address, TimePoint time) const;
  [[nodiscard]] Verdict service_verdict(const net::Address& address, TimePoint time) const;
  [[nodiscard]] Verdict node_verdict(const net::Address& address, TimePoint time) const;

  Model model_;
  TimePoint as_of_;
  Lives lives_;
  std::shared_ptr<const Indexes> indexes_;
  std::shared_ptr<const PodIndex> pods_;
};

}  // namespace outflow::inventory
