#include "tests/bpf/reference_parser.h"

#include <algorithm>

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

// `quoted`: in an ICMP error, cut short by nature, so its lengths mean nothing.
struct Place {
  std::size_t begin = 0;
  bool quoted = false;
};

using Stop = std::optional<packet_count>;

Stop read_ipv4(View packet, Place place, Expected* expected, Ip* ip) {
  if (packet.size() < 20 || packet[0] >> 4 != 4) return COUNT_MALFORMED;
  const std::size_t header = std::size_t{4} * (packet[0] & 15);
  const std::size_t total = place.quoted ? packet.size() : number16(packet, 2);
  if (header < 20 || total < header || total > packet.size()) return COUNT_MALFORMED;
  const std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::ranges::copy(mapped, expected->source.begin());
  std::ranges::copy(mapped, expected->destination.begin());
  std::ranges::copy(packet.subspan(12, 4), expected->source.begin() + 12);
  std::ranges::copy(packet.subspan(16, 4), expected->destination.begin() + 12);
  const unsigned fragment = number16(packet, 6);
  if (fragment % 8192 != 0) return COUNT_LATER_FRAGMENT;
  if ((fragment >> 13 & 1) != 0) expected->flags |= FLOW_FRAGMENTED;
  *ip = {packet[9], packet.subspan(header, total - header), place.begin + header};
  return {};
}

Stop read_ipv6(View packet, Place place, Expected* expected, Ip* ip) {
  if (packet.size() < 40 || packet[0] >> 4 != 6) return COUNT_MALFORMED;
  const std::size_t payload = place.quoted ? packet.size() - 40 : number16(packet, 4);
  if (40 + payload > packet.size()) return COUNT_MALFORMED;
  std::ranges::copy(packet.subspan(8, 16), expected->source.begin());
  std::ranges::copy(packet.subspan(24, 16), expected->destination.begin());
  *ip = {packet[6], packet.subspan(40, payload), place.begin + 40};
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

// The transport header's least bytes; none of a protocol we do not know.
std::size_t transport_bytes(std::uint8_t protocol) {
  switch (protocol) {
    case 6:
      return 20;
    case 132:
      return 16;
    case 17:
    case 1:
    case 58:
      return 8;
    default:
      return 0;
  }
}

Stop read_transport(const Ip& ip, Place place, Expected* expected) {
  expected->protocol = ip.protocol;
  const std::size_t wanted = transport_bytes(ip.protocol);
  if (ip.payload.size() < (place.quoted ? std::min<std::size_t>(wanted, 8) : wanted)) {
    return COUNT_MALFORMED;
  }
  if (ip.protocol != 6 && ip.protocol != 17 && ip.protocol != 132) return {};
  expected->source_port = number16(ip.payload, 0);
  expected->destination_port = number16(ip.payload, 2);
  return {};
}

packet_count outcome_of(const Ip& ip, Expected* expected) {
  switch (ip.protocol) {
    case 6:
      // SYN alone of SYN, RST and ACK.
      if ((ip.payload[13] & 0x16) != 2) return COUNT_TCP_UNOPENED;
      expected->attempts = 1;
      return COUNT_RECORDED;
    case 132:
      if (ip.payload[12] != 1) return COUNT_SCTP_UNOPENED;
      expected->attempts = 1;
      return COUNT_RECORDED;
    case 1:
    case 58:
      return ip.payload[0] == (ip.protocol == 1 ? 8 : 128) ? COUNT_RECORDED : COUNT_ICMP_OTHER;
    default:
      return COUNT_RECORDED;
  }
}

Stop read_frame(View frame, Expected* expected, Ip* ip) {
  std::size_t at = 12;
  std::uint16_t type = 0;
  for (int tags = 0;; ++tags) {
    if (frame.size() < at + 2) return COUNT_MALFORMED;
    type = number16(frame, at);
    at += 2;
    if (tags == 2 || (type != 0x8100 && type != 0x88a8)) break;
    expected->flags |= FLOW_VLAN;
    at += 2;
  }
  if (type != 0x0800 && type != 0x86dd) return COUNT_NOT_IP;
  const View packet = frame.subspan(at);
  expected->bytes = packet.size();
  const Place place{at, false};
  const Stop stop = type == 0x0800 ? read_ipv4(packet, place, expected, ip)
                                   : read_ipv6(packet, place, expected, ip);
  return stop ? stop : read_transport(*ip, place, expected);
}

Says says_of(const Ip& ip) {
  const View bytes = ip.payload;
  switch (ip.protocol) {
    case 6:
      if ((bytes[13] & 0x16) == 0x12) return Says::Established;
      return (bytes[13] & 0x16) == 0x14 && number16(bytes, 4) == 0 && number16(bytes, 6) == 0
                 ? Says::Refused
                 : Says::Nothing;
    case 132:
      if (bytes[12] == 2) return Says::Established;
      return bytes[12] == 6 ? Says::Aborted : Says::Nothing;
    case 1:
      if (bytes[0] == 3 && bytes[1] != 4) return Says::RefusedByIcmp;
      return bytes[0] == 0 ? Says::Answered : Says::Nothing;
    case 58:
      if (bytes[0] == 1) return Says::RefusedByIcmp;
      return bytes[0] == 129 ? Says::Answered : Says::Nothing;
    default:
      return Says::SpokeFirst;
  }
}

// The packet that an ICMP error has behind its own 8 bytes.
Stop read_quoted(const Ip& error, Expected* quoted) {
  const Place place{error.begin + 8, true};
  const View packet = error.payload.subspan(8);
  if (place.begin > kHeaderBegin || packet.empty()) return COUNT_MALFORMED;
  Ip ip;
  const Stop stop = error.protocol == 58 ? read_ipv6(packet, place, quoted, &ip)
                                         : read_ipv4(packet, place, quoted, &ip);
  return stop ? stop : read_transport(ip, place, quoted);
}

}  // namespace

Expected expect_from_pod(View frame) {
  Expected expected;
  Ip ip;
  const Stop stop = read_frame(frame, &expected, &ip);
  expected.outcome = stop ? *stop : outcome_of(ip, &expected);
  return expected;
}

Answer expect_to_pod(View frame) {
  Expected read;
  Ip ip;
  if (read_frame(frame, &read, &ip)) return {};
  const Says says = says_of(ip);
  if (says == Says::Nothing) return {};
  if (says != Says::RefusedByIcmp) {
    return {says, read.source, read.destination, read.source_port, read.protocol};
  }
  Expected quoted;
  if (read_quoted(ip, &quoted)) return {};
  return {says, quoted.destination, quoted.source, quoted.destination_port, quoted.protocol};
}

}  // namespace outflow::test
