// The programs in the kernel: ours and those they are measured against.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "bpf/flow.h"
#include "tests/bench/datapath/packets.h"

struct bpf_map;
struct bpf_object;
struct egress_bpf;
struct shapes_bpf;

namespace outflow::bench {

// prog_test_run gives its packets the loopback interface.
inline constexpr std::uint32_t kTestIfindex = 1;
inline constexpr std::uint32_t kTuplesDefault = 65'536;

// Sends the packet through the program so many times.
void run(int program, const Bytes& packet, int repeat);
// The same, in nanoseconds of this thread for each.
[[nodiscard]] double time_run(int program, const Bytes& packet, int repeat);

// Empties a hash table.
void clear_table(const bpf_map* map);
// How many rows a hash table has.
[[nodiscard]] std::uint64_t rows_of(const bpf_map* map);

// The 64-bit counters in the only row of a per-CPU array, summed over the processors.
[[nodiscard]] std::vector<std::uint64_t> counters_of(const bpf_map* map);

class Ours {
 public:
  // `adjust` may change sizes and knobs before the load.
  explicit Ours(const std::function<void(egress_bpf&)>& adjust = nullptr);

  [[nodiscard]] int from_pod() const;
  [[nodiscard]] int to_pod() const;
  [[nodiscard]] int hook(bool to_pod) const { return to_pod ? this->to_pod() : from_pod(); }
  // As the agent does before a hook goes on.
  void name_interface(std::uint32_t ifindex, std::uint32_t id) const;
  // By packet_count.
  [[nodiscard]] std::vector<std::uint64_t> counts() const;
  [[nodiscard]] const bpf_map* flows() const;
  // nullptr where the object has no such map.
  [[nodiscard]] const bpf_map* map(const char* name) const;
  [[nodiscard]] bpf_object* object() const;
  // Empties the tables, the memory of who spoke first included.
  void forget() const;

 private:
  struct Destroy {
    void operator()(egress_bpf* object) const;
  };
  std::unique_ptr<egress_bpf, Destroy> object_;
};

// In which order addresses are visited. Tables are filled in turn and, as their rows then lie side
// by side, visited scattered, as traffic would: no prefetcher follows.
enum class Order { InTurn, Scattered };

class Shapes {
 public:
  // Tables with as much room as `table`, ours, and bare rows of the size of its.
  explicit Shapes(const bpf_map* table);

  [[nodiscard]] int null() const;
  [[nodiscard]] int floor() const;
  [[nodiscard]] int exporter() const;
  [[nodiscard]] int bare_insert() const;
  // Gives every packet the next of so many addresses, from the first, and calls the program: of the
  // peer, which is the packet's source on its way to the pod.
  [[nodiscard]] int walk(int program, std::uint32_t addresses, bool to_pod,
                         Order order = Order::InTurn) const;
  // Empties every table.
  void forget() const;

 private:
  struct Destroy {
    void operator()(shapes_bpf* object) const;
  };
  std::unique_ptr<shapes_bpf, Destroy> object_;
};

}  // namespace outflow::bench
