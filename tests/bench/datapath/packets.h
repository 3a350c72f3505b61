// The packets that are measured, as a few words each.
#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>

#include "tests/support/packet.h"

namespace outflow::bench {

using test::Bytes;

inline constexpr std::size_t kShort = 74;  // an IPv4 segment with 20 bytes of data
inline constexpr std::size_t kLong = 1'400;

// Between pod 10.0.0.2 or 2001:db8::2 and peer 192.0.2.1 or 2001:db8:1::1.
struct Shape {
  bool v6 = false;
  std::uint8_t protocol = IPPROTO_TCP;
  std::uint16_t source_port = 40'000;
  std::uint16_t destination_port = 443;
  std::uint8_t tcp_flags = test::kPsh | test::kAck;
  std::size_t size = kShort;  // of the frame; IPv6 takes no less than 94
  bool to_pod = false;
  bool dns_answer = false;  // the payload begins with the header of one
};

[[nodiscard]] Bytes packet_of(const Shape& shape);

}  // namespace outflow::bench
