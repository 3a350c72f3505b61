#include "tests/bench/datapath/packets.h"

#include <algorithm>

namespace outflow::bench {
namespace {

// RFC 1035 4.1.1: an id; QR, RD and RA; one question, two answers.
constexpr std::uint8_t kDnsHeader[] = {0x12, 0x34, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0};

}  // namespace

Bytes packet_of(const Shape& shape) {
  const char* pod = shape.v6 ? "2001:db8::2" : "10.0.0.2";
  const char* peer = shape.v6 ? "2001:db8:1::1" : "192.0.2.1";
  const char* source = shape.to_pod ? peer : pod;
  const char* destination = shape.to_pod ? pod : peer;
  test::Packet packet;
  packet.ethernet();
  if (shape.v6) {
    packet.ipv6(source, destination);
  } else {
    packet.ipv4(source, destination);
  }
  if (shape.protocol == IPPROTO_TCP) {
    packet.tcp(shape.source_port, shape.destination_port, shape.tcp_flags);
  } else {
    packet.udp(shape.source_port, shape.destination_port);
  }
  const std::size_t headers = packet.build().size();
  const std::size_t size = std::max(shape.size, shape.v6 ? kShort + 20 : kShort);
  Bytes payload(size - headers);
  if (shape.dns_answer) std::ranges::copy(kDnsHeader, payload.begin());
  return packet.payload(payload).build();
}

}  // namespace outflow::bench
