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

// Of those who are there and, after them, those who are gone.
template <class Object>
const Object& nth(const std::vector<Object>& there, const std::vector<Object>& gone,
                  Position position) {
  return position < there.size() ? there[position] : gone[position - there.size()];
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

  // Positions beyond those who are there are of those who are gone.
  std::unordered_map<net::Address, std::vector<Position>> nodes_by_address;
  std::unordered_map<net::Address, std::vector<Position>> services_by_cluster_address;
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
  void add_service(const Model& model, Position position);
};

Snapshot::Indexes::Indexes(const Model& model) {
  for (Position i = 0; i < model.namespaces.size(); ++i) {
    namespace_by_name.try_emplace(model.namespaces[i].name, i);
  }
  for (Position i = 0; i < model.nodes.size(); ++i) {
    const Node& node = model.nodes[i];
    for (const net::Address& address : node.addresses) nodes_by_address[address].push_back(i);
    for (const net::Prefix& network : node.pod_cidrs) {
      pod_networks[{network.address().is_v4(), network.length()}].insert(network.address());
    }
  }
  for (Position i = 0; i < model.past_nodes.size(); ++i) {
    for (const net::Address& address : model.past_nodes[i].addresses) {
      nodes_by_address[address].push_back(model.nodes.size() + i);
    }
  }
  for (Position i = 0; i < model.past_services.size(); ++i) {
    for (const net::Address& address : model.past_services[i].cluster_addresses) {
      services_by_cluster_address[address].push_back(model.services.size() + i);
    }
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

void Snapshot::Indexes::add_service(const Model& model, Position position) {
  const Service& service = model.services[position];
  service_by_name.try_emplace(full_name(service.namespace_name, service.name), position);
  for (const net::Address& address : service.cluster_addresses) {
    services_by_cluster_address[address].push_back(position);
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

// Sorted vectors: 24 and 16 bytes a pod, where hash tables take five times that.
struct Snapshot::PodIndex {
  explicit PodIndex(const std::vector<LifePtr>& lives);

  struct ByAddress {
    net::Address address;
    std::uint32_t position = 0;
    friend auto operator<=>(const ByAddress&, const ByAddress&) = default;
  };
  struct ByInterface {
    std::uint64_t interface = 0;
    std::uint32_t position = 0;
    friend auto operator<=>(const ByInterface&, const ByInterface&) = default;
  };
  std::vector<ByAddress> by_address;
  std::vector<ByInterface> by_interface;
  std::size_t there = 0;

  [[nodiscard]] auto at(const net::Address& address) const {
    return std::equal_range(by_address.begin(), by_address.end(), ByAddress{address, 0},
                            [](const auto& a, const auto& b) { return a.address < b.address; });
  }
};

Snapshot::PodIndex::PodIndex(const std::vector<LifePtr>& lives) {
  by_address.reserve(lives.size());
  by_interface.reserve(lives.size());
  for (std::uint32_t i = 0; i < lives.size(); ++i) {
    const Life& life = *lives[i];
    there += life.told.gone == TimePoint() ? 1 : 0;
    if (life.interface == 0) continue;  // it has the node's addresses and no interface of its own
    by_interface.push_back({life.interface, i});
    for (const net::Address& address : life.addresses) by_address.push_back({address, i});
  }
  std::sort(by_address.begin(), by_address.end());
  std::sort(by_interface.begin(), by_interface.end());
}

namespace {

std::tuple<std::string_view, std::string_view> name_of(const Life& life) {
  return {life.shape->namespace_name, life.name};
}

Lives lives_of(const std::vector<Pod>& pods) {
  Lives lives;
  Pool pool;
  lives.pods.reserve(pods.size());
  for (const Pod& pod : pods) {
    lives.pods.push_back(std::make_shared<const Life>(to_life(pod, pod.workload, pool)));
  }
  std::stable_sort(lives.pods.begin(), lives.pods.end(),
                   [](const LifePtr& a, const LifePtr& b) { return name_of(*a) < name_of(*b); });
  return lives;
}

PodPtr made(const LifePtr& life) {
  return std::make_shared<const Pod>(to_pod(*life));
}

// How far the time is from the life: 0 within it.
nanoseconds distance(const Life& life, const Knowledge& knowledge, TimePoint time) {
  const Span span = span_of(life, knowledge);
  if (time < span.head) return span.head - time;
  const TimePoint end = std::max(span.leave, span.maybe);
  return time > end ? time - end : nanoseconds(0);
}

}  // namespace

Snapshot::Snapshot(Model model, TimePoint as_of) : model_(std::move(model)), as_of_(as_of) {
  lives_ = lives_of(model_.pods);
  model_.pods = {};  // they are kept once
  indexes_ = std::make_shared<const Indexes>(model_);
  pods_ = std::make_shared<const PodIndex>(lives_.pods);
}

Snapshot::Snapshot(Model model, Lives lives, TimePoint as_of)
    : model_(std::move(model)),
      as_of_(as_of),
      lives_(std::move(lives)),
      indexes_(std::make_shared<const Indexes>(model_)),
      pods_(std::make_shared<const PodIndex>(lives_.pods)) {}

Verdict Snapshot::pod_verdict(const net::Address& address, TimePoint time) const {
  const auto [first, last] = pods_->at(address);
  std::vector<Claim> claims;
  for (auto it = first; it != last; ++it) {
    const Life& life = *lives_.pods[it->position];
    claims.push_back({span_of(life, {as_of_, lives_.pods_until}), it->position,
                      life.shape->namespace_name, life.name});
  }
  return owner_at(claims, "pod", time);
}

Verdict Snapshot::service_verdict(const net::Address& address, TimePoint time) const {
  const auto found = indexes_->services_by_cluster_address.find(address);
  if (found == indexes_->services_by_cluster_address.end()) return {};
  std::vector<Claim> claims;
  for (const Position position : found->second) {
    const Service& service = nth(model_.services, model_.past_services, position);
    claims.push_back({span_of(service.told, {as_of_, lives_.services_until}), position,
                      service.namespace_name, service.name});
  }
  return owner_at(claims, "service", time);
}

Verdict Snapshot::node_verdict(const net::Address& address, TimePoint time) const {
  const auto found = indexes_->nodes_by_address.find(address);
  if (found == indexes_->nodes_by_address.end()) return {};
  std::vector<Claim> claims;
  for (const Position position : found->second) {
    const Node& node = nth(model_.nodes, model_.past_nodes, position);
    claims.push_back({span_of(node.told, {as_of_, lives_.nodes_until}), position, "", node.name});
  }
  return owner_at(claims, "node", time);
}

PodPtr Snapshot::pod_by_address(const net::Address& address, TimePoint time) const {
  const Verdict verdict = pod_verdict(address, time);
  return verdict.owner ? made(lives_.pods[*verdict.owner]) : nullptr;
}

std::string Snapshot::why_no_pod(const net::Address& address, TimePoint time) const {
  return pod_verdict(address, time).why;
}

std::string Snapshot::why_nobody(const net::Address& address, TimePoint time) const {
  for (const Verdict& verdict : {pod_verdict(address, time), service_verdict(address, time)}) {
    if (!verdict.why.empty()) return verdict.why;
  }
  const Verdict verdict = node_verdict(address, time);
  return verdict.uncertain ? verdict.why : "";
}

PodPtr Snapshot::pod_by_interface(std::string_view interface_name, TimePoint time) const {
  const std::uint64_t number = number_of_interface(interface_name);
  if (number == 0) return nullptr;
  const auto& by_interface = pods_->by_interface;
  auto it =
      std::lower_bound(by_interface.begin(), by_interface.end(), PodIndex::ByInterface{number, 0});
  const LifePtr* nearest = nullptr;
  nanoseconds apart{};
  for (; it != by_interface.end() && it->interface == number; ++it) {
    const LifePtr& life = lives_.pods[it->position];
    const nanoseconds other = distance(*life, {as_of_, lives_.pods_until}, time);
    // Of two that are as near the later one: the end of the one before is what is told late.
    if (nearest != nullptr &&
        (other > apart || (other == apart && life->started < (*nearest)->started))) {
      continue;
    }
    nearest = &life;
    apart = other;
  }
  return nearest == nullptr ? nullptr : made(*nearest);
}

bool Snapshot::has_pod(const net::Address& address, TimePoint time) const {
  return pod_verdict(address, time).owner.has_value();
}

bool Snapshot::has_interface(std::string_view interface_name) const {
  const PodIndex::ByInterface wanted{number_of_interface(interface_name), 0};
  const auto it = std::lower_bound(pods_->by_interface.begin(), pods_->by_interface.end(), wanted);
  return it != pods_->by_interface.end() && it->interface == wanted.interface;
}

const Node* Snapshot::node_by_address(const net::Address& address, TimePoint time) const {
  const Verdict verdict = node_verdict(address, time);
  return verdict.owner ? &nth(model_.nodes, model_.past_nodes, *verdict.owner) : nullptr;
}

const Service* Snapshot::service_by_address(const net::Address& address, TimePoint time) const {
  const auto [first, last] = pods_->at(address);
  const bool of_pods = std::any_of(first, last, [&](const PodIndex::ByAddress& claim) {
    return lives_.pods[claim.position]->told.gone == TimePoint();
  });
  if (of_pods) return nullptr;
  const Verdict verdict = service_verdict(address, time);
  if (verdict.owner) return &nth(model_.services, model_.past_services, *verdict.owner);
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

std::vector<PodPtr> Snapshot::pods_of(std::string_view namespace_name) const {
  struct ByNamespace {
    bool operator()(const LifePtr& a, std::string_view b) const {
      return a->shape->namespace_name < b;
    }
    bool operator()(std::string_view a, const LifePtr& b) const {
      return a < b->shape->namespace_name;
    }
  };
  const auto [first, last] =
      std::equal_range(lives_.pods.begin(), lives_.pods.end(), namespace_name, ByNamespace());
  std::vector<PodPtr> pods;
  for (auto it = first; it != last; ++it) {
    if ((*it)->told.gone == TimePoint()) pods.push_back(made(*it));
  }
  return pods;
}

std::vector<PodPtr> Snapshot::pods() const {
  std::vector<PodPtr> pods;
  pods.reserve(pods_->there);
  for (const LifePtr& life : lives_.pods) {
    if (life->told.gone == TimePoint()) pods.push_back(made(life));
  }
  return pods;
}

std::size_t Snapshot::pod_count() const {
  return pods_->there;
}

}  // namespace outflow::inventory
