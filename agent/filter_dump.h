// Which traffic-control filters are on an interface, anybody's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"

namespace outflow::agent {

struct FilterFacts {
  std::string kind;  // "bpf", "flower", ...
  std::uint32_t handle = 0;
  std::uint32_t priority = 0;
  std::string program;  // the name of a "bpf" one's, as its owner gave it
  friend bool operator==(const FilterFacts&, const FilterFacts&) = default;
};

// On the clsact qdisc's ingress or egress side, in the order they run; none when there is no such
// qdisc. An Error when the kernel could not be asked.
[[nodiscard]] Result<std::vector<FilterFacts>> filters_on(std::uint32_t ifindex, bool ingress);

// The pure half: adds what the messages hold (aligned to 4 bytes). True when the dump goes on.
[[nodiscard]] bool read_filters(std::span<const std::byte> bytes,
                                std::vector<FilterFacts>& filters);

}  // namespace outflow::agent
