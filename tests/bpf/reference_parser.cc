#include "tests/bpf/reference_parser.h"

#include <algorithm>
#include <optional>

namespace outflow::test {
namespace {

constexpr std::size_t kHeaderBegin = 512;  // no header begins behind this byte of the frame

using View = std::span<const std::uint8_t>;

std::uint16_t number16(View bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

struct Ip {
  std::uint8_t protocol = 0;
  View payload;
  std::size_t begin = 0;  // of the payload in the frame
};

using Stop = std::optional<packet_count>;

Stop read_ipv4(View packet, std::size_t begin, Expected* expected, Ip* ip) {
  if (packet.size() < 20 || packet[0] >> 4 != 4) return COUNT_MALFORMED;
  const std::size_t header = std::size_t{4} * (packet[0] & 15);
  const std::size_t total = number16(packet, 2);
  if (header < 20 || total < header || total > packet.size()) return COUNT_MALFORMED;
  const std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::ranges::copy(mapped, expected->source.begin());
  std::ranges::copy(mapped, expected->destination.begin());
  std::ranges::copy(packet.subspan(12, 4), expected->source.begin() + 12);
  std::ranges::copy(packet.subspan(16, 4), expected->destination.begin() + 12);
  const unsigned fragment = number16(packet, 6);
  if (fragment % 8192 != 0) return COUNT_LATER_FRAGMENT;
  if ((fragment >> 13 & 1) != 0) expected->flags |= FLOW_FRAGMENTED;
  *ip = {packet[9], packet.subspan(header, total - header), begin + header};
  return {};
}

Stop read_ipv6(View packet, std::size_t begin, Expected* expected, Ip* ip) {
  if (packet.size() < 40 || packet[0] >> 4 != 6) return COUNT_MALFORMED;
  const std::size_t payload = number16(packet, 4);
  if (40 + payload > packet.size()) return COUNT_MALFORMED;
  std::ranges::copy(packet.subspan(8, 16), expected->source.begin());
  std::ranges::copy(packet.subspan(24, 16), expected->destination.begin());
  *ip = {packet[6], packet.subspan(40, payload), begin + 40};
  constexpr std::array<std::uint8_t, 5> kKnown = {0, 43, 44, 51, 60};
  for (int walked = 0; std::ranges::find(kKnown, ip->protocol) != kKnown.end(); ++walked) {
    if (walked == 6) return COUNT_UNKNOWN_HEADER;
    const View header = ip->payload;
    if (header.size() < 8) return COUNT_MALFORMED;
    std::size_t size = (header[1] + std::size_t{1}) * 8;
    if (ip->protocol == 51) size = (header[1] + std::size_t{2}) * 4;
    if (ip->protocol == 44) {
      size = 8;
      if (number16(header, 2) / 8 != 0) return COUNT_LATER_FRAGMENT;
      if (header[3] % 2 == 1) expected->flags |= FLOW_FRAGMENTED;
    }
    if (size > header.size()) return COUNT_MALFORMED;
    *ip = {header[0], header.subspan(size), ip->begin + size};
    if (ip->begin > kHeaderBegin) return COUNT_UNKNOWN_HEADER;
  }
  return {};
}

packet_count read_transport(const Ip& ip, Expected* expected) {
  const auto ports = [&](std::size_t header) {
    if (ip.payload.size() < header) return false;
    expected->destination_port = number16(ip.payload, 2);
    return true;
  };
  expected->protocol = ip.protocol;
  switch (ip.protocol) {
    case 6:
      if (!ports(20)) return COUNT_MALFORMED;
      // SYN alone of SYN, RST and ACK.
      if ((ip.payload[13] & 0x16) != 2) return COUNT_TCP_UNOPENED;
      expected->attempts = 1;
      return COUNT_RECORDED;
    case 17:
      return ports(8) ? COUNT_RECORDED : COUNT_MALFORMED;
    case 132:
      if (!ports(16)) return COUNT_MALFORMED;
      if (ip.payload[12] != 1) return COUNT_SCTP_UNOPENED;
      expected->attempts = 1;
      return COUNT_RECORDED;
    case 1:
    case 58:
      if (ip.payload.size() < 8) return COUNT_MALFORMED;
      return ip.payload[0] == (ip.protocol == 1 ? 8 : 128) ? COUNT_RECORDED : COUNT_ICMP_OTHER;
    default:
      return COUNT_RECORDED;
  }
}

}  // namespace

Expected expect_from_pod(View frame) {
  Expected expected;
  std::size_t at = 12;
  std::uint16_t type = 0;
  for (int tags = 0;; ++tags) {
    if (frame.size() < at + 2) return expected;
    type = number16(frame, at);
    at += 2;
    if (tags == 2 || (type != 0x8100 && type != 0x88a8)) break;
    expected.flags |= FLOW_VLAN;
    at += 2;
  }
  if (type != 0x0800 && type != 0x86dd) {
    expected.outcome = COUNT_NOT_IP;
    return expected;
  }
  const View packet = frame.subspan(at);
  expected.bytes = packet.size();
  Ip ip;
  const Stop stop = type == 0x0800 ? read_ipv4(packet, at, &expected, &ip)
                                   : read_ipv6(packet, at, &expected, &ip);
  expected.outcome = stop ? *stop : read_transport(ip, &expected);
  return expected;
}

}  // namespace outflow::test
