// One life of a pod, small: what a cluster of 100,000 pods keeps of each, now and for weeks after
// it is gone. Immutable and shared between the live inventory and every snapshot of it.
//
// Kept are the labels somebody uses (kKeptLabels); what many pods have alike (namespace, workload,
// labels, ports, node) stands once in a Pool. A uid is kept as 16 bytes: one that is no UUID
// becomes the first 16 bytes of its SHA-1.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aggregator/inventory/model.h"

namespace outflow::inventory {

// Labels that stay the same over a workload's life, best first (Kubernetes recommended labels, then
// the conventions before them). Those that name a revision, a run or a single pod would make a rule
// that dies with it.
inline constexpr std::array<std::string_view, 4> kStableLabels{"app.kubernetes.io/name", "app",
                                                               "k8s-app", "name"};
inline constexpr std::string_view kInstanceLabel = "app.kubernetes.io/instance";

struct Shape {
  std::string namespace_name;
  Workload workload;
  Workload owner;  // the direct owner, from which `workload` was found
  Labels labels;
  std::vector<NamedPort> ports;
  bool host_network = false;
  friend bool operator==(const Shape&, const Shape&) = default;
};

struct Life {
  std::shared_ptr<const Shape> shape;
  std::shared_ptr<const std::string> node;
  std::string name;
  std::array<std::uint8_t, 16> uid{};
  std::uint64_t interface = 0;  // number_of_interface(); 0 of a pod on its node's network
  std::uint8_t phase = 0;
  bool deleting = false;
  std::vector<net::Address> addresses;
  TimePoint started{};
  TimePoint ended{};
  Told told;
};
[[nodiscard]] bool is_finished(const Life& life);
using LifePtr = std::shared_ptr<const Life>;

// The 44 bits after "cali" of the name of an interface, plus one so that 0 is none; 0 of a name of
// another form.
[[nodiscard]] std::uint64_t number_of_interface(std::string_view name);

// Shapes and names of nodes that are in use, each once. One thread at a time.
class Pool {
 public:
  [[nodiscard]] std::shared_ptr<const Shape> share(Shape shape);
  [[nodiscard]] std::shared_ptr<const std::string> share(const std::string& node);
  // Forgets shapes nobody uses. Done by itself whenever the pool has doubled.
  void sweep();
  [[nodiscard]] std::size_t size() const { return shapes_.size(); }

 private:
  std::unordered_multimap<std::size_t, std::shared_ptr<const Shape>> shapes_;
  std::unordered_map<std::string, std::shared_ptr<const std::string>> nodes_;
  std::size_t sweep_at_ = 1024;
};

// `pod.workload` is the one a person would name, `owner` the direct one.
[[nodiscard]] Life to_life(const Pod& pod, const Workload& owner, Pool& pool);
[[nodiscard]] Pod to_pod(const Life& life);
// Of another life of the same name.
[[nodiscard]] bool same_life(const Life& a, const Life& b);

}  // namespace outflow::inventory
