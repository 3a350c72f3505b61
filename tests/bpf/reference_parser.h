// The rules of bpf/parse.bpf.h and of who opens what, written a second time and another way, for
// the property test: what becomes of one packet from a pod of which nothing is known yet.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "bpf/flow.h"

namespace outflow::test {

struct Expected {
  packet_count outcome = COUNT_MALFORMED;
  std::array<std::uint8_t, 16> source{};
  std::array<std::uint8_t, 16> destination{};
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;
  std::uint32_t flags = 0;
  std::uint32_t attempts = 0;
  std::uint64_t bytes = 0;
};

Expected expect_from_pod(std::span<const std::uint8_t> frame);

}  // namespace outflow::test
