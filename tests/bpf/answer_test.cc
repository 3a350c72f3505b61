// What a packet to the pod says of the tuple it answers.
#include <netinet/in.h>

#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

constexpr const char* kPod4 = "10.244.1.5";
constexpr const char* kPod6 = "2001:db8:1::5";
constexpr const char* kFar4 = "192.0.2.10";
constexpr const char* kFar6 = "2001:db8:ffff::10";
constexpr const char* kRouter4 = "198.51.100.1";
constexpr const char* kRouter6 = "2001:db8:ffff::1";

Packet out4() {
  return Packet().ethernet().ipv4(kPod4, kFar4);
}
Packet out6() {
  return Packet().ethernet().ipv6(kPod6, kFar6);
}
Packet in4() {
  return Packet().ethernet().ipv4(kFar4, kPod4);
}
Packet in6() {
  return Packet().ethernet().ipv6(kFar6, kPod6);
}

// An ICMP error from a router, quoting at most `size` bytes of what the pod sent.
Bytes error4(std::uint8_t code, const Packet& sent, std::size_t size = 1500) {
  const Bytes frame = sent.build();
  const std::span<const std::uint8_t> quote = std::span(frame).subspan(sent.network());
  return Packet()
      .ethernet()
      .ipv4(kRouter4, kPod4)
      .icmp(3, code)
      .payload(quote.first(std::min(size, quote.size())))
      .build();
}
Bytes error6(std::uint8_t type, const Packet& sent, std::size_t size = 1500) {
  const Bytes frame = sent.build();
  const std::span<const std::uint8_t> quote = std::span(frame).subspan(sent.network());
  return Packet()
      .ethernet()
      .ipv6(kRouter6, kPod6)
      .icmp6(type, 4)
      .payload(quote.first(std::min(size, quote.size())))
      .build();
}

}  // namespace

TEST_CASE("a SYN-ACK establishes the tuple it answers", "[answer]") {
  Harness harness;
  harness.from_pod(out4().tcp(40000, 443, kSyn).build());
  harness.from_pod(out6().tcp(40000, 443, kSyn).build());
  harness.to_pod(in4().tcp(443, 40000, kSyn | kAck).build());
  harness.to_pod(in6().tcp(443, 40000, kSyn | kAck | 0x40).build());
  // Data, a pure ACK, a FIN and somebody else's SYN-ACK say nothing new.
  for (const std::uint8_t flags : {kAck, static_cast<std::uint8_t>(kAck | kFin), kSyn}) {
    harness.to_pod(in4().tcp(443, 40000, flags).build());
  }
  harness.to_pod(in4().tcp(444, 40000, kSyn | kAck).build());

  CHECK(harness.flow(kFar4, 443, IPPROTO_TCP)->established == 1);
  CHECK(harness.flow(kFar6, 443, IPPROTO_TCP)->established == 1);
  CHECK(harness.flow(kFar4, 443, IPPROTO_TCP)->packets == 1);
  CHECK(harness.flows().size() == 2);
}

TEST_CASE("a RST that answers an opening refuses it, any other RST does not", "[answer]") {
  Harness harness;
  harness.from_pod(out4().tcp(40000, 443, kSyn).build());
  harness.from_pod(out6().tcp(40000, 443, kSyn).build());
  harness.to_pod(in4().tcp(443, 40000, kRst | kAck, 0).build());
  harness.to_pod(in6().tcp(443, 40000, kRst | kAck, 0).build());
  harness.to_pod(in4().tcp(443, 40000, kRst | kAck, 7).build());
  harness.to_pod(in4().tcp(443, 40000, kRst, 0).build());

  CHECK(refused_in(*harness.flow(kFar4, 443, IPPROTO_TCP)) == 1);
  CHECK(refused_in(*harness.flow(kFar6, 443, IPPROTO_TCP)) == 1);
  CHECK(harness.flow(kFar4, 443, IPPROTO_TCP)->established == 0);
  CHECK(flags_in(*harness.flow(kFar4, 443, IPPROTO_TCP)) == 0);
}

TEST_CASE("SCTP: INIT-ACK establishes, ABORT refuses what is not answered yet", "[answer]") {
  Harness harness;
  harness.from_pod(out4().sctp(40000, 3868, kInit).build());
  harness.to_pod(in4().sctp(3868, 40000, kAbort).build());
  harness.from_pod(out4().sctp(40000, 3868, kInit).build());
  harness.to_pod(in4().sctp(3868, 40000, kInitAck).build());
  // The end of a conversation, not the refusal of one.
  harness.to_pod(in4().sctp(3868, 40000, kAbort).build());
  harness.to_pod(in4().sctp(3868, 40000, 0).build());

  const auto flow = harness.flow(kFar4, 3868, IPPROTO_SCTP);
  REQUIRE(flow);
  CHECK(flow->attempts == 2);
  CHECK(flow->established == 1);
  CHECK(refused_in(*flow) == 1);
}

TEST_CASE("an answered datagram tuple is established once", "[answer]") {
  Harness harness;
  harness.from_pod(out4().udp(40000, 53).build());
  harness.from_pod(out6().udp(40000, 53).build());
  harness.from_pod(out4().icmp(8).build());
  harness.from_pod(out6().icmp6(128).build());
  harness.from_pod(out4().protocol(47).payload(8).build());
  for (int i = 0; i < 3; ++i) {
    harness.to_pod(in4().udp(53, 40000).build());
    harness.to_pod(in6().udp(53, 40000).build());
    harness.to_pod(in4().icmp(0).build());
    harness.to_pod(in6().icmp6(129).build());
    harness.to_pod(in4().protocol(47).payload(8).build());
  }

  CHECK(harness.flows().size() == 5);
  for (const FlowEntry& entry : harness.flows()) CHECK(entry.stats.established == 1);
  CHECK(harness.remembered() == 0);
}

TEST_CASE("ICMP requests to the pod answer nothing and open nothing", "[answer]") {
  Harness harness;
  harness.from_pod(out4().icmp(8).build());
  harness.to_pod(in4().icmp(8).build());
  harness.to_pod(in4().icmp(11).payload(28).build());

  CHECK(harness.flow(kFar4, 0, IPPROTO_ICMP)->established == 0);
  CHECK(harness.remembered() == 0);
}

TEST_CASE("destination unreachable refuses the tuple whose packet it quotes", "[answer]") {
  Harness harness;
  const std::vector<Packet> sent4 = {
      out4().tcp(40000, 443, kSyn), out4().udp(40000, 53).payload(900),
      out4().sctp(40000, 3868, kInit), out4().icmp(8), out4().protocol(47).payload(8)};
  const std::vector<Packet> sent6 = {out6().tcp(40000, 443, kSyn),
                                     out6().udp(40000, 53).payload(900),
                                     out6().extension(kHopByHop).udp(40000, 54), out6().icmp6(128)};
  for (const Packet& packet : sent4) harness.from_pod(packet.build());
  for (const Packet& packet : sent6) harness.from_pod(packet.build());
  // RFC 792 promises the header and 8 bytes; most quote more.
  for (const Packet& packet : sent4) harness.to_pod(error4(1, packet, 28));
  for (const Packet& packet : sent4) harness.to_pod(error4(13, packet));
  for (const Packet& packet : sent6) harness.to_pod(error6(1, packet));
  for (const Packet& packet : sent6) harness.to_pod(error6(1, packet, 56));

  CHECK(harness.flows().size() == 9);
  for (const FlowEntry& entry : harness.flows()) {
    INFO("protocol " << int{entry.key.protocol} << " port " << ntohs(entry.key.destination_port));
    CHECK(refused_in(entry.stats) == 2);
    CHECK(flags_in(entry.stats) == FLOW_ICMP_REFUSED);
    CHECK(entry.stats.established == 0);
  }
}

TEST_CASE("ICMP errors that refuse nothing, and lies of strangers, change nothing", "[answer]") {
  Harness harness;
  const Packet sent = out4().tcp(40000, 443, kSyn);
  const Packet sent6 = out6().tcp(40000, 443, kSyn);
  harness.from_pod(sent.build());
  harness.from_pod(sent6.build());
  harness.to_pod(error4(4, sent));                          // too big: about size
  harness.to_pod(error6(2, sent6));                         // the same
  harness.to_pod(error6(3, sent6));                         // time exceeded
  harness.to_pod(error4(1, out4().tcp(40000, 444, kSyn)));  // never sent
  harness.to_pod(error4(1, out4().fragment_v4(9, true).tcp(40000, 443, kSyn)));  // no ports there
  for (std::size_t size = 0; size < 28; ++size) harness.to_pod(error4(1, sent, size));
  for (std::size_t size = 0; size < 48; ++size) harness.to_pod(error6(1, sent6, size));

  CHECK(refused_in(*harness.flow(kFar4, 443, IPPROTO_TCP)) == 0);
  CHECK(refused_in(*harness.flow(kFar6, 443, IPPROTO_TCP)) == 0);
  CHECK(flags_in(*harness.flow(kFar4, 443, IPPROTO_TCP)) == 0);
  CHECK(harness.flows().size() == 2);
}

TEST_CASE("a port reused for another connection after a refusal counts anew", "[answer]") {
  Harness harness;
  const Bytes syn = out4().tcp(40000, 443, kSyn).build();
  harness.from_pod(syn);
  harness.to_pod(in4().tcp(443, 40000, kRst | kAck, 0).build());
  harness.from_pod(syn);
  harness.to_pod(in4().tcp(443, 40000, kSyn | kAck).build());

  const auto flow = harness.flow(kFar4, 443, IPPROTO_TCP);
  CHECK(flow->attempts == 2);
  CHECK(refused_in(*flow) == 1);
  CHECK(flow->established == 1);
}

TEST_CASE("answers are found behind VLAN tags and extension headers too", "[answer]") {
  Harness harness;
  harness.from_pod(out6().tcp(40000, 443, kSyn).build());
  harness.to_pod(Packet()
                     .ethernet()
                     .vlan(7)
                     .ipv6(kFar6, kPod6)
                     .extension(kDestinationOptions)
                     .tcp(443, 40000, kSyn | kAck)
                     .build());

  CHECK(harness.flow(kFar6, 443, IPPROTO_TCP)->established == 1);
}

TEST_CASE("packets to the pod that are cut anywhere change nothing", "[answer]") {
  Harness harness;
  harness.from_pod(out4().tcp(40000, 443, kSyn).build());
  for (const Bytes& frame :
       {in4().tcp(443, 40000, kSyn | kAck).build(), in4().udp(5000, 40000).build()}) {
    for (std::size_t size = shortest_run(frame); size < frame.size(); ++size) {
      harness.to_pod({frame.begin(), frame.begin() + static_cast<long>(size)});
    }
  }

  CHECK(harness.flow(kFar4, 443, IPPROTO_TCP)->established == 0);
  CHECK(harness.remembered() == 0);
}

}  // namespace outflow::test
