// The BPF object: loads it, pins its maps or adopts those that are pinned. The only code that sees
// the skeleton.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "bpf/flow.h"
#include "common/result.h"

struct egress_bpf;

namespace outflow::agent {

enum class PinState {
  None,      // nothing is pinned
  Usable,    // what this program and this --tuples-max would make
  Resized,   // the same structs, another room: readable, not usable
  Unusable,  // another layout, or only some of the maps
};

class Probe {
 public:
  // Opens the object; nothing is in the kernel yet. Maps are pinned in `maps_dir`. Without
  // `tls_names` the `said` ring stays empty.
  [[nodiscard]] static Result<Probe> open(std::string maps_dir, std::uint32_t tuples_max,
                                          bool tls_names = true);

  [[nodiscard]] PinState pins() const;
  // Loads the programs onto the pinned maps (pins() says Usable) ...
  [[nodiscard]] Result<void> load_adopting();
  // ... or onto new ones, not pinned yet.
  [[nodiscard]] Result<void> load_new();
  // Begins a new boot: pins the new maps. No pin may be left in `maps_dir`.
  [[nodiscard]] Result<void> pin() const;

  // After a load. -1: no such program.
  [[nodiscard]] int from_pod() const;
  [[nodiscard]] int to_pod() const;
  // Both clocks at one moment.
  [[nodiscard]] Result<clock_reading> read_clock() const;
  // As if the peer's packet had just passed: what the pod sends there are answers.
  [[nodiscard]] Result<void> remember(inbound_key key) const;
  // The tuple, if it is there, was opened by the pod: it is inferred no longer but pre-existing.
  [[nodiscard]] Result<void> confirm(flow_key key) const;
  // Of new maps that are not pinned: sends the frame through from_pod as interface 1 and gives the
  // one tuple that is recorded then.
  [[nodiscard]] Result<flow_stats> try_packet(std::span<const std::uint8_t> frame) const;

 private:
  struct Destroy {
    void operator()(egress_bpf* object) const;
  };
  using Object = std::unique_ptr<egress_bpf, Destroy>;
  Probe(Object object, std::string maps_dir)
      : object_(std::move(object)), maps_dir_(std::move(maps_dir)) {}
  [[nodiscard]] Result<void> load();
  [[nodiscard]] Result<void> run(const char* program, void* context, std::uint32_t size) const;

  Object object_;
  std::string maps_dir_;
};

// Removes the pins of a boot's maps; the maps go when nothing uses them any more.
void remove_map_pins(const std::string& maps_dir);

}  // namespace outflow::agent
