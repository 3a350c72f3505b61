// A UDP tuple whose first datagram has a QUIC long header of a version we know is flagged so.
#include <netinet/in.h>

#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

constexpr std::uint16_t kPort = 443;

Packet datagram(bool v4) {
  Packet packet;
  packet.ethernet();
  if (v4) {
    packet.ipv4("10.244.1.5", "192.0.2.10");
  } else {
    packet.ipv6("2001:db8:244::5", "2001:db8:ffff::10");
  }
  return packet.udp(40'000, kPort);
}

Bytes initial(std::uint32_t version, std::uint8_t first = 0xc3) {
  Bytes bytes(1'200);
  bytes[0] = first;
  for (unsigned i = 0; i < 4; ++i) {
    bytes[1 + i] = static_cast<std::uint8_t>(version >> (24 - 8 * i));
  }
  return bytes;
}

std::uint32_t flags_after(const std::vector<Bytes>& payloads, bool v4 = true) {
  Harness harness;
  for (const Bytes& payload : payloads) {
    harness.from_pod(datagram(v4).payload(payload).build());
  }
  return flags_in(*harness.flow(v4 ? "192.0.2.10" : "2001:db8:ffff::10", kPort, IPPROTO_UDP));
}

}  // namespace

TEST_CASE("a tuple that begins with a long header of QUIC 1 or 2 is flagged", "[quic]") {
  for (const bool v4 : {true, false}) {
    CHECK(flags_after({initial(1)}, v4) == FLOW_QUIC);
    CHECK(flags_after({initial(0x6b3343cf)}, v4) == FLOW_QUIC);
    CHECK(flags_after({initial(1), Bytes(100)}, v4) == FLOW_QUIC);
  }
}

TEST_CASE("another version, a short header, and what comes later make no QUIC", "[quic]") {
  CHECK(flags_after({initial(0)}) == 0);
  CHECK(flags_after({initial(2)}) == 0);
  CHECK(flags_after({initial(0xff00001d)}) == 0);
  CHECK(flags_after({initial(1, 0x43)}) == 0);
  CHECK(flags_after({initial(1, 0x83)}) == 0);
  CHECK(flags_after({Bytes{0xc3, 0, 0, 0}}) == 0);
  CHECK(flags_after({Bytes{}}) == 0);
  CHECK(flags_after({Bytes(100), initial(1)}) == 0);
  CHECK(flags_after({Bytes{0xc3, 0, 0, 0, 1}}) == FLOW_QUIC);
}

TEST_CASE("behind a VLAN tag it is QUIC too, and TCP never is", "[quic]") {
  Harness harness;
  harness.from_pod(Packet()
                       .ethernet()
                       .vlan(7)
                       .ipv4("10.244.1.5", "192.0.2.10")
                       .udp(40'000, kPort)
                       .payload(initial(1))
                       .build());
  harness.from_pod(Packet()
                       .ethernet()
                       .ipv4("10.244.1.5", "192.0.2.10")
                       .tcp(40'000, kPort, kSyn)
                       .payload(initial(1))
                       .build());

  CHECK(flags_in(*harness.flow("192.0.2.10", kPort, IPPROTO_UDP)) == (FLOW_QUIC | FLOW_VLAN));
  CHECK(flags_in(*harness.flow("192.0.2.10", kPort, IPPROTO_TCP)) == 0);
}

}  // namespace outflow::test
