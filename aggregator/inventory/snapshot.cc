#include "aggregator/inventory/snapshot.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <map>
#include <tuple>
#include <unordered_set>
#include <utility>

#include <openssl/evp.h>

namespace outflow::inventory {
namespace {

constexpr std::string_view kCalicoPrefix = "cali";
constexpr std::size_t kCalicoHexDigits = 11;
constexpr std::string_view kHexDigits = "0123456789abcdef";

// Where an object stands in its vector of the model: a position stays true when a snapshot is
// copied or moved, which a pointer would not.
using Position = std::size_t;

struct Socket {
  net::Address address;
  std::uint16_t port = 0;
  Protocol protocol{};
  friend bool operator==(const Socket&, const Socket&) = default;
};

struct SocketHash {
  std::size_t operator()(const Socket& socket) const noexcept {
    const std::size_t rest = (std::size_t{socket.port} << 8U) |
                             static_cast<std::size_t>(static_cast<std::uint8_t>(socket.protocol));
    return std::hash<net::Address>()(socket.address) ^ (rest * 0x9e3779b97f4a7c15ULL);
  }
};

std::string full_name(std::string_view namespace_name, std::string_view name) {
  std::string text;
  text.reserve(namespace_name.size() + 1 + name.size());
  text.append(namespace_name).append("/").append(name);
  return text;
}

// The order in which pods that claim one address are believed; the name settles what is left, so
// that the answer does not hang on the order of the file.
auto claim(const Pod& pod) {
  return std::make_tuple(!is_finished(pod), pod.phase == "Running", !pod.deleting, pod.started,
                         std::tie(pod.namespace_name, pod.name));
}

// Keeps the service whose full name sorts first.
template <class Map, class Key>
void keep_first_by_name(Map& map, const Key& key, Position position, const Model& model) {
  const auto [it, inserted] = map.try_emplace(key, position);
  if (inserted) return;
  const Service& kept = model.services[it->second];
  const Service& other = model.services[position];
  if (std::tie(other.namespace_name, other.name) < std::tie(kept.namespace_name, kept.name)) {
    it->second = position;
  }
}

template <class Map, class Key, class Object>
const Object* find(const Map& map, const Key& key, const std::vector<Object>& objects) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &objects[it->second];
}

}  // namespace

std::string calico_interface_name(std::string_view namespace_name, std::string_view pod) {
  std::string text;
  text.append(namespace_name).append(".").append(pod);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const int ok =
      EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), /*impl=*/nullptr);
  assert(ok == 1 && size * 2 >= kCalicoHexDigits);
  static_cast<void>(ok);

  std::string name(kCalicoPrefix);
  for (std::size_t i = 0; i < kCalicoHexDigits; ++i) {
    const unsigned int byte = digest[i / 2];
    name += kHexDigits[i % 2 == 0 ? byte >> 4U : byte & 0xfU];
  }
  return name;
}

bool is_calico_interface_name(std::string_view name) {
  return name.size() == kCalicoPrefix.size() + kCalicoHexDigits &&
         name.starts_with(kCalicoPrefix) &&
         name.find_first_not_of(kHexDigits, kCalicoPrefix.size()) == std::string_view::npos;
}

struct Snapshot::Indexes {
  explicit Indexes(const Model& model);

  std::unordered_map<net::Address, std::vector<Position>> pods_by_address;  // best claim first
  std::unordered_map<std::string, Position> pod_by_interface;
  std::unordered_map<std::string, std::vector<Position>> pods_by_namespace;
  std::unordered_map<net::Address, Position> node_by_address;
  std::unordered_map<net::Address, Position> service_by_cluster_address;
  std::unordered_map<net::Address, Position> service_by_outside_address;
  std::unordered_map<Socket, Position, SocketHash> service_by_outside_socket;
  std::unordered_map<Socket, Position, SocketHash> service_by_node_port;  // address unset
  std::unordered_map<Socket, Position, SocketHash> service_by_endpoint;
  std::unordered_map<std::string, Position> service_by_name;
  std::unordered_map<std::string, Position> namespace_by_name;
  // Pod networks by family and length: one look-up per length instead of one per node.
  std::map<std::pair<bool, int>, std::unordered_set<net::Address>> pod_networks;
  std::unordered_map<Socket, Position, SocketHash> api_servers;

 private:
  void add_pod(const Model& model, Position position);
  void add_service(const Model& model, Position position);
};

Snapshot::Indexes::Indexes(const Model& model) {
  for (Position i = 0; i < model.namespaces.size(); ++i) {
    namespace_by_name.try_emplace(model.namespaces[i].name, i);
  }
  for (Position i = 0; i < model.nodes.size(); ++i) {
    const Node& node = model.nodes[i];
    for (const net::Address& address : node.addresses) node_by_address.try_emplace(address, i);
    for (const net::Prefix& network : node.pod_cidrs) {
      pod_networks[{network.address().is_v4(), network.length()}].insert(network.address());
    }
  }
  for (Position i = 0; i < model.pods.size(); ++i) add_pod(model, i);
  for (auto& [address, claimants] : pods_by_address) {
    std::sort(claimants.begin(), claimants.end(),
              [&](Position a, Position b) { return claim(model.pods[b]) < claim(model.pods[a]); });
  }
  for (Position i = 0; i < model.services.size(); ++i) add_service(model, i);
  for (Position i = 0; i < model.endpoints.size(); ++i) {
    const Endpoint& endpoint = model.endpoints[i];
    const Socket socket{endpoint.address, endpoint.port, endpoint.protocol};
    if (endpoint.namespace_name == "default" && endpoint.service == "kubernetes") {
      api_servers.try_emplace({endpoint.address, endpoint.port, Protocol::Tcp}, i);
    }
    const auto service = service_by_name.find(full_name(endpoint.namespace_name, endpoint.service));
    if (service == service_by_name.end()) continue;  // a slice may outlive its service for a moment
    keep_first_by_name(service_by_endpoint, socket, service->second, model);
  }
}

void Snapshot::Indexes::add_pod(const Model& model, Position position) {
  const Pod& pod = model.pods[position];
  pods_by_namespace[pod.namespace_name].push_back(position);
  if (pod.host_network) return;  // it has the node's addresses and no interface of its own
  pod_by_interface.try_emplace(calico_interface_name(pod.namespace_name, pod.name), position);
  for (const net::Address& address : pod.addresses) pods_by_address[address].push_back(position);
}

void Snapshot::Indexes::add_service(const Model& model, Position position) {
  const Service& service = model.services[position];
  service_by_name.try_emplace(full_name(service.namespace_name, service.name), position);
  for (const net::Address& address : service.cluster_addresses) {
    keep_first_by_name(service_by_cluster_address, address, position, model);
  }
  for (const net::Address& address : service.outside_addresses) {
    keep_first_by_name(service_by_outside_address, address, position, model);
    for (const ServicePort& port : service.ports) {
      keep_first_by_name(service_by_outside_socket, Socket{address, port.port, port.protocol},
                         position, model);
    }
  }
  for (const ServicePort& port : service.ports) {
    if (port.node_port == 0) continue;
    keep_first_by_name(service_by_node_port, Socket{{}, port.node_port, port.protocol}, position,
                       model);
  }
}

Snapshot::Snapshot(Model model, TimePoint as_of)
    : model_(std::move(model)), as_of_(as_of), indexes_(std::make_shared<const Indexes>(model_)) {}

Snapshot::Lifetime Snapshot::lifetime_at(const Pod& pod, TimePoint time) const {
  if (pod.started - kClockSlack > time) return Lifetime::NotYet;
  const TimePoint ended = pod.ended == TimePoint() ? as_of_ : pod.ended;
  return is_finished(pod) && time - kClockSlack > ended ? Lifetime::Over : Lifetime::Lives;
}

const Pod* Snapshot::pod_by_address(const net::Address& address, TimePoint time) const {
  const auto it = indexes_->pods_by_address.find(address);
  if (it == indexes_->pods_by_address.end()) return nullptr;
  for (const Position position : it->second) {
    const Pod& pod = model_.pods[position];
    if (lifetime_at(pod, time) == Lifetime::Lives) return &pod;
  }
  return nullptr;
}

std::string_view Snapshot::why_no_pod(const net::Address& address, TimePoint time) const {
  const auto it = indexes_->pods_by_address.find(address);
  if (it == indexes_->pods_by_address.end() || pod_by_address(address, time) != nullptr) return "";
  const Lifetime lifetime = lifetime_at(model_.pods[it->second.front()], time);
  return lifetime == Lifetime::NotYet ? "the pod that has the address now started later"
                                      : "the pod that had the address had ended by then";
}

const Pod* Snapshot::pod_by_interface(std::string_view interface_name) const {
  return find(indexes_->pod_by_interface, std::string(interface_name), model_.pods);
}

const Node* Snapshot::node_by_address(const net::Address& address) const {
  return find(indexes_->node_by_address, address, model_.nodes);
}

const Service* Snapshot::service_by_address(const net::Address& address) const {
  if (indexes_->pods_by_address.contains(address)) return nullptr;
  const Service* service = find(indexes_->service_by_cluster_address, address, model_.services);
  if (service != nullptr) return service;
  return find(indexes_->service_by_outside_address, address, model_.services);
}

const Service* Snapshot::service_by_outside_address(const net::Address& address, std::uint16_t port,
                                                    Protocol protocol) const {
  return find(indexes_->service_by_outside_socket, Socket{address, port, protocol},
              model_.services);
}

const Service* Snapshot::service_by_node_port(std::uint16_t port, Protocol protocol) const {
  return find(indexes_->service_by_node_port, Socket{{}, port, protocol}, model_.services);
}

const Service* Snapshot::service_by_endpoint(const net::Address& address, std::uint16_t port,
                                             Protocol protocol) const {
  return find(indexes_->service_by_endpoint, Socket{address, port, protocol}, model_.services);
}

const Service* Snapshot::service(std::string_view namespace_name, std::string_view name) const {
  return find(indexes_->service_by_name, full_name(namespace_name, name), model_.services);
}

const Namespace* Snapshot::namespace_named(std::string_view name) const {
  return find(indexes_->namespace_by_name, std::string(name), model_.namespaces);
}

bool Snapshot::in_pod_network(const net::Address& address) const {
  return std::any_of(indexes_->pod_networks.begin(), indexes_->pod_networks.end(),
                     [&](const auto& same_length) {
                       const auto& [is_v4, length] = same_length.first;
                       if (is_v4 != address.is_v4()) return false;
                       const auto network = net::Prefix::of(address, length);
                       return network && same_length.second.contains(network->address());
                     });
}

bool Snapshot::is_api_server(const net::Address& address, std::uint16_t port) const {
  return indexes_->api_servers.contains(Socket{address, port, Protocol::Tcp});
}

std::vector<const Pod*> Snapshot::pods_of(std::string_view namespace_name) const {
  std::vector<const Pod*> pods;
  const auto it = indexes_->pods_by_namespace.find(std::string(namespace_name));
  if (it == indexes_->pods_by_namespace.end()) return pods;
  pods.reserve(it->second.size());
  for (const Position position : it->second) pods.push_back(&model_.pods[position]);
  return pods;
}

}  // namespace outflow::inventory
