// The rules of bpf/parse.bpf.h and of who opens and answers what, written a second time and another
// way, for the property tests.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "bpf/flow.h"

namespace outflow::test {

// What becomes of one packet from a pod of which nothing is known yet.
struct Expected {
  packet_count outcome = COUNT_MALFORMED;
  std::array<std::uint8_t, 16> source{};
  std::array<std::uint8_t, 16> destination{};
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;
  std::uint32_t flags = 0;
  std::uint32_t attempts = 0;
  std::uint64_t bytes = 0;
};

Expected expect_from_pod(std::span<const std::uint8_t> frame);

// What one packet to a pod says, to whichever tuple of the pod it answers.
enum class Says {
  Nothing,
  Established,    // one more answer to an opening
  Refused,        // one more refusal of an opening
  RefusedByIcmp,  // the same, by an error that quotes a packet of the tuple
  Aborted,        // refused, if the opening is not answered yet
  Answered,       // established, once
  SpokeFirst,     // the same; and without such a tuple the peer spoke first
};
struct Answer {
  Says says = Says::Nothing;
  // The tuple: where the pod sent to, and from where.
  std::array<std::uint8_t, 16> destination{};
  std::array<std::uint8_t, 16> source{};
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;
};

Answer expect_to_pod(std::span<const std::uint8_t> frame);

}  // namespace outflow::test
