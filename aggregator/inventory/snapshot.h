// The model with its indexes: who owns an address, an interface, a service port. Immutable, shared
// as shared_ptr<const Snapshot>; every query is a pure function of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aggregator/inventory/model.h"

namespace outflow::inventory {

// Calico's host-side veth of a pod: "cali" + the first 11 hex digits of sha1("<namespace>.<pod>")
// (calico libcalico-go/lib/backend/k8s/conversion/workload_endpoint_default.go,
// VethNameForWorkload).
[[nodiscard]] std::string calico_interface_name(std::string_view namespace_name,
                                                std::string_view pod);

// Whether a name has that form, so that it is one pod's and no other's.
[[nodiscard]] bool is_calico_interface_name(std::string_view name);

// How far a pod's times and a flow's may be apart: the clocks of nodes differ, and the API server
// keeps whole seconds.
inline constexpr auto kClockSlack = std::chrono::minutes(1);

class Snapshot {
 public:
  Snapshot(Model model, TimePoint as_of);

  // The pod that had the address at `time`; null when nobody had. Where several claim it (a
  // finished pod keeps its own in status), a running one wins, then the one started last, of those
  // that had started by then and not yet ended. A start nobody knows is early enough; an end nobody
  // knows was before the inventory was made. Host-network pods own no address here.
  [[nodiscard]] const Pod* pod_by_address(const net::Address& address, TimePoint time) const;
  // Why none of the pods that claim the address had it at `time`; "" when one had, or none claims
  // it.
  [[nodiscard]] std::string_view why_no_pod(const net::Address& address, TimePoint time) const;
  [[nodiscard]] const Pod* pod_by_interface(std::string_view interface_name) const;
  [[nodiscard]] const Node* node_by_address(const net::Address& address) const;
  // A ClusterIP, external IP or load balancer address; null for what a pod claims.
  [[nodiscard]] const Service* service_by_address(const net::Address& address) const;
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
  [[nodiscard]] std::vector<const Pod*> pods_of(std::string_view namespace_name) const;

  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] TimePoint as_of() const { return as_of_; }

 private:
  struct Indexes;
  enum class Lifetime : std::uint8_t { NotYet, Lives, Over };

  [[nodiscard]] Lifetime lifetime_at(const Pod& pod, TimePoint time) const;

  Model model_;
  TimePoint as_of_;
  std::shared_ptr<const Indexes> indexes_;
};

}  // namespace outflow::inventory
