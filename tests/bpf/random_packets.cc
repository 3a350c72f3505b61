#include "tests/bpf/random_packets.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <sstream>

namespace outflow::test {
namespace {

constexpr const char* kPod4 = "10.1.2.3";
constexpr const char* kPod6 = "2001:db8::3";
constexpr const char* kFar4 = "192.0.2.9";
constexpr const char* kFar6 = "2001:db8::9";

std::uint8_t random_byte(Random& random) {
  return static_cast<std::uint8_t>(below(random, 256));
}
std::uint16_t random_port(Random& random) {
  return static_cast<std::uint16_t>(below(random, 65536));
}

void add_extensions(Random& random, Packet* packet) {
  const std::uint32_t count = one_in(random, 8) ? below(random, 12) : below(random, 4);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::array<std::uint8_t, 3> kinds = {kHopByHop, kRouting, kDestinationOptions};
    switch (below(random, 8)) {
      case 0:
        packet->fragment_v6(static_cast<std::uint16_t>(one_in(random, 4) ? 3 : 0),
                            one_in(random, 2));
        break;
      case 1:
        packet->authentication(8 + 4 * below(random, 10));
        break;
      default:
        packet->extension(kinds.at(below(random, 3)),
                          8 + 8 * (one_in(random, 10) ? below(random, 80) : below(random, 3)));
    }
  }
}

Packet random_ethernet(Random& random) {
  Packet packet;
  packet.ethernet();
  if (one_in(random, 4)) {
    for (std::uint32_t i = below(random, 4); i > 0; --i) {
      packet.vlan(7, one_in(random, 2) ? 0x88a8 : 0x8100);
    }
  }
  return packet;
}

void add_ipv4(Random& random, Packet* packet, const char* source, const char* destination) {
  packet->ipv4(source, destination, Bytes(one_in(random, 2) ? below(random, 41) : 0, 1));
  if (one_in(random, 6)) {
    packet->fragment_v4(static_cast<std::uint16_t>(below(random, 3)), one_in(random, 2));
  }
}

void add_ipv6(Random& random, Packet* packet, const char* source, const char* destination) {
  packet->ipv6(source, destination);
  if (one_in(random, 2)) add_extensions(random, packet);
}

void add_payload(Random& random, Packet* packet) {
  packet->payload(below(random, one_in(random, 10) ? 1400 : 64));
}

}  // namespace

std::uint32_t below(Random& random, std::uint32_t limit) {
  return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random);
}

// One in `n`.
bool one_in(Random& random, std::uint32_t n) {
  return below(random, n) == 0;
}

Packet random_from_pod(Random& random) {
  Packet packet = random_ethernet(random);
  if (one_in(random, 2)) {
    add_ipv4(random, &packet, kPod4, kFar4);
  } else {
    add_ipv6(random, &packet, kPod6, kFar6);
  }
  const std::uint16_t port = random_port(random);
  switch (below(random, 7)) {
    case 0:
    case 1:
      packet.tcp(port, 443, one_in(random, 2) ? kSyn : random_byte(random));
      break;
    case 2:
      packet.udp(port, 53);
      break;
    case 3:
      packet.sctp(port, 3868, one_in(random, 2) ? kInit : random_byte(random));
      break;
    case 4:
      packet.icmp(one_in(random, 2) ? 8 : random_byte(random));
      break;
    case 5:
      packet.icmp6(one_in(random, 2) ? 128 : random_byte(random));
      break;
    default:
      packet.protocol(one_in(random, 2) ? 47 : random_byte(random));
  }
  add_payload(random, &packet);
  return packet;
}

Packet random_to_pod(Random& random) {
  const std::array<std::uint8_t, 3> flags = {kSyn | kAck, kRst | kAck, random_byte(random)};
  const std::array<std::uint8_t, 3> chunks = {kInitAck, kAbort, random_byte(random)};
  Packet packet = random_ethernet(random);
  if (one_in(random, 2)) {
    add_ipv4(random, &packet, kFar4, kPod4);
  } else {
    add_ipv6(random, &packet, kFar6, kPod6);
  }
  const std::uint16_t port = random_port(random);
  switch (below(random, 7)) {
    case 0:
    case 1:
      packet.tcp(443, port, flags.at(below(random, 3)), one_in(random, 2) ? 0 : 70000);
      break;
    case 2:
      packet.udp(53, port);
      break;
    case 3:
      packet.sctp(3868, port, chunks.at(below(random, 3)));
      break;
    case 4:
      packet.icmp(one_in(random, 2) ? 0 : random_byte(random));
      break;
    case 5:
      packet.icmp6(one_in(random, 2) ? 129 : random_byte(random));
      break;
    default:
      packet.protocol(one_in(random, 2) ? 47 : random_byte(random));
  }
  add_payload(random, &packet);
  return packet;
}

Packet random_error(Random& random, const Packet& quoted) {
  const Bytes frame = quoted.build();
  std::span<const std::uint8_t> quote = std::span(frame).subspan(quoted.network());
  const bool v6 = (quote[0] >> 4 == 6) != one_in(random, 20);
  if (one_in(random, 2))
    quote = quote.first(below(random, 1 + static_cast<std::uint32_t>(quote.size())));
  Packet packet = random_ethernet(random);
  const bool outer_v6 = v6 != one_in(random, 20);
  if (outer_v6) {
    add_ipv6(random, &packet, kFar6, kPod6);
  } else {
    add_ipv4(random, &packet, kFar4, kPod4);
  }
  const auto code = static_cast<std::uint8_t>(below(random, 16));
  if (v6) {
    packet.icmp6(static_cast<std::uint8_t>(one_in(random, 4) ? below(random, 5) : 1), code);
  } else {
    packet.icmp(static_cast<std::uint8_t>(one_in(random, 4) ? below(random, 13) : 3), code);
  }
  return packet.payload(quote);
}

void mutate(Random& random, Bytes* frame, std::size_t reach) {
  const auto end = static_cast<std::uint32_t>(std::min(frame->size(), reach));
  for (std::uint32_t i = below(random, 4); i > 0; --i) {
    frame->at(12 + below(random, end - 12)) = random_byte(random);
  }
  if (one_in(random, 4)) {
    frame->resize(15 + below(random, static_cast<std::uint32_t>(frame->size())));
  }
}

std::string to_hex(const Bytes& frame) {
  std::ostringstream text;
  for (const std::uint8_t byte : frame) {
    text << std::hex << std::setw(2) << std::setfill('0') << int{byte};
  }
  return text.str();
}

}  // namespace outflow::test
