#include <netinet/in.h>

#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

constexpr const char* kPod4 = "10.244.1.5";
constexpr const char* kPod6 = "2001:db8:1::5";
constexpr const char* kFar4 = "192.0.2.10";
constexpr const char* kFar6 = "2001:db8:ffff::10";

Packet v4() {
  return Packet().ethernet().ipv4(kPod4, kFar4);
}
Packet v6() {
  return Packet().ethernet().ipv6(kPod6, kFar6);
}
const char* far(const Packet& packet) {
  return (packet.build().at(packet.network()) >> 4) == 4 ? kFar4 : kFar6;
}

// The packet opens exactly the tuple it should, and nothing else.
void check_opens(const Packet& packet, std::uint16_t port, std::uint8_t protocol,
                 std::uint32_t flags = 0) {
  Harness harness;
  const Bytes frame = packet.build();

  CHECK(harness.outcome(frame) == COUNT_RECORDED);
  const auto flow = harness.flow(far(packet), port, protocol);
  REQUIRE(flow);
  CHECK(harness.flows().size() == 1);
  CHECK(flow->packets == 1);
  CHECK(flow->bytes == frame.size() - packet.network());
  CHECK(flags_in(*flow) == flags);
  CHECK(is_source(*flow, far(packet) == kFar4 ? kPod4 : kPod6));
}

void check_ends_in(packet_count reason, const Bytes& frame) {
  Harness harness;

  CHECK(harness.outcome(frame) == reason);
  CHECK(harness.flows().empty());
}

}  // namespace

TEST_CASE("a plain packet of every protocol opens its tuple", "[parse]") {
  check_opens(v4().tcp(40000, 443, kSyn), 443, IPPROTO_TCP);
  check_opens(v6().tcp(40000, 443, kSyn), 443, IPPROTO_TCP);
  check_opens(v4().udp(40000, 53).payload(30), 53, IPPROTO_UDP);
  check_opens(v6().udp(40000, 53).payload(30), 53, IPPROTO_UDP);
  check_opens(v4().sctp(40000, 3868, kInit), 3868, IPPROTO_SCTP);
  check_opens(v6().sctp(40000, 3868, kInit), 3868, IPPROTO_SCTP);
  check_opens(v4().icmp(8).payload(56), 0, IPPROTO_ICMP);
  check_opens(v6().icmp6(128).payload(56), 0, IPPROTO_ICMPV6);
}

TEST_CASE("a protocol we do not know has a tuple without ports", "[parse]") {
  check_opens(v4().protocol(47).payload(24), 0, 47);
  check_opens(v6().protocol(50).payload(24), 0, 50);
  check_opens(v4().protocol(50), 0, 50);
  // IPv4 has no extension headers: AH is what Calico, too, sees there.
  check_opens(v4().protocol(51).payload(24), 0, 51);
}

TEST_CASE("ports lie behind IPv4 options", "[parse]") {
  for (const std::size_t options : {4U, 8U, 40U}) {
    check_opens(Packet().ethernet().ipv4(kPod4, kFar4, Bytes(options, 1)).tcp(40000, 443, kSyn),
                443, IPPROTO_TCP);
  }
}

TEST_CASE("ports lie behind IPv6 extension headers of every known kind", "[parse]") {
  check_opens(v6().extension(kHopByHop).tcp(1, 443, kSyn), 443, IPPROTO_TCP);
  check_opens(v6().extension(kRouting, 24).udp(1, 53), 53, IPPROTO_UDP);
  check_opens(v6().extension(kDestinationOptions, 256).tcp(1, 443, kSyn), 443, IPPROTO_TCP);
  check_opens(v6().authentication(24).tcp(1, 443, kSyn), 443, IPPROTO_TCP);
  check_opens(v6().authentication(12).tcp(1, 443, kSyn), 443, IPPROTO_TCP);
  check_opens(v6().extension(kHopByHop)
                  .extension(kDestinationOptions, 16)
                  .extension(kRouting)
                  .authentication(24)
                  .extension(kDestinationOptions)
                  .icmp6(128),
              0, IPPROTO_ICMPV6);
}

TEST_CASE("IPv6 extension headers are walked to a limit, and beyond it counted", "[parse]") {
  Packet six = v6();
  for (int i = 0; i < 6; ++i) six.extension(kDestinationOptions);
  Packet seven = six;

  check_opens(six.tcp(1, 443, kSyn), 443, IPPROTO_TCP);
  check_ends_in(COUNT_UNKNOWN_HEADER,
                seven.extension(kDestinationOptions).tcp(1, 443, kSyn).build());
  // The transport header may begin at byte 512 of the frame and not behind it.
  check_opens(v6().extension(kHopByHop, 456).tcp(1, 443, kSyn), 443, IPPROTO_TCP);
  check_ends_in(COUNT_UNKNOWN_HEADER, v6().extension(kHopByHop, 464).tcp(1, 443, kSyn).build());
}

TEST_CASE("a header that is no extension header is a protocol, never walked over", "[parse]") {
  check_opens(v6().protocol(135).payload(24), 0, 135);
  check_opens(v6().protocol(59), 0, 59);
  check_opens(v6().protocol(139).payload(8), 0, 139);
}

TEST_CASE("one or two VLAN tags in the bytes are stepped over and marked", "[parse]") {
  const auto tagged = [] { return Packet().ethernet().vlan(7); };
  const auto qinq = [] { return Packet().ethernet().vlan(9, 0x88a8).vlan(7); };

  check_opens(tagged().ipv4(kPod4, kFar4).tcp(1, 443, kSyn), 443, IPPROTO_TCP, FLOW_VLAN);
  check_opens(tagged().ipv6(kPod6, kFar6).udp(1, 53), 53, IPPROTO_UDP, FLOW_VLAN);
  check_opens(qinq().ipv4(kPod4, kFar4).udp(1, 53), 53, IPPROTO_UDP, FLOW_VLAN);
  check_opens(qinq().ipv6(kPod6, kFar6).extension(kHopByHop).tcp(1, 443, kSyn), 443, IPPROTO_TCP,
              FLOW_VLAN);
  check_ends_in(COUNT_NOT_IP, qinq().vlan(8).ipv4(kPod4, kFar4).tcp(1, 443, kSyn).build());
}

TEST_CASE("a first fragment has ports and is marked, a later one is counted", "[parse]") {
  check_opens(v4().fragment_v4(0, true).udp(1, 53).payload(1200), 53, IPPROTO_UDP, FLOW_FRAGMENTED);
  check_opens(v6().fragment_v6(0, true).udp(1, 53).payload(1200), 53, IPPROTO_UDP, FLOW_FRAGMENTED);
  check_opens(
      v6().extension(kHopByHop).fragment_v6(0, true).extension(kDestinationOptions).udp(1, 53), 53,
      IPPROTO_UDP, FLOW_FRAGMENTED);
  // What stands where ports would is payload.
  check_ends_in(COUNT_LATER_FRAGMENT, v4().fragment_v4(185, true).udp(443, 443).build());
  check_ends_in(COUNT_LATER_FRAGMENT, v4().fragment_v4(1, false).tcp(1, 443, kSyn).build());
  check_ends_in(COUNT_LATER_FRAGMENT, v6().fragment_v6(1, false).tcp(1, 443, kSyn).build());
  check_ends_in(COUNT_LATER_FRAGMENT, v6().extension(kHopByHop).fragment_v6(90, true).build());
}

TEST_CASE("an IPv6 packet with a fragment header that is whole is not a fragment", "[parse]") {
  check_opens(v6().fragment_v6(0, false).tcp(1, 443, kSyn), 443, IPPROTO_TCP);
}

TEST_CASE("what is not IP is skipped", "[parse]") {
  Bytes arp = Packet().ethernet().payload(28).build();
  overwrite16(&arp, 12, 0x0806);
  check_ends_in(COUNT_NOT_IP, arp);
  check_ends_in(COUNT_NOT_IP, Packet().ethernet().payload(46).build());
}

TEST_CASE("a packet cut anywhere is malformed", "[parse]") {
  Harness harness;
  const std::vector<Bytes> frames = {
      v4().tcp(1, 443, kSyn).build(),
      v6().tcp(1, 443, kSyn).build(),
      v4().udp(1, 53).payload(8).build(),
      v6().extension(kHopByHop).fragment_v6(0, true).udp(1, 53).build(),
      v6().authentication().sctp(1, 3868, kInit).build(),
      Packet().ethernet().vlan(9, 0x88a8).vlan(7).ipv4(kPod4, kFar4, {1, 1}).tcp(1, 2, 2).build(),
      v4().icmp(8).build(),
  };
  for (const Bytes& frame : frames) {
    for (std::size_t size = shortest_run(frame); size < frame.size(); ++size) {
      INFO("cut to " << size << " of " << frame.size());
      CHECK(harness.outcome({frame.begin(), frame.begin() + static_cast<long>(size)}) ==
            COUNT_MALFORMED);
    }
  }

  CHECK(harness.flows().empty());
}

TEST_CASE("a transport header cut by an honest IP length is malformed", "[parse]") {
  Harness harness;
  const std::vector<std::pair<Packet, std::size_t>> cuts = {
      {v4().protocol(6), 20},  {v6().protocol(6), 20}, {v4().protocol(17), 8},
      {v6().protocol(17), 8},  {v4().protocol(1), 8},  {v6().protocol(58), 8},
      {v4().protocol(132), 16}};
  for (const auto& [packet, header] : cuts) {
    for (std::size_t size = 0; size < header; ++size) {
      // Padding behind the packet is not the packet.
      Bytes frame = Packet(packet).payload(size).build();
      frame.resize(frame.size() + 40, 0xff);
      INFO("transport cut to " << size << " of " << header);
      CHECK(harness.outcome(frame) == COUNT_MALFORMED);
    }
  }

  CHECK(harness.flows().empty());
}

TEST_CASE("lengths that lie are malformed", "[parse]") {
  const Packet four = v4().tcp(1, 443, kSyn);
  const Packet six = v6().tcp(1, 443, kSyn);
  const std::size_t at = four.network();
  const auto lie = [](const Packet& packet, std::size_t offset, std::uint16_t value) {
    Bytes frame = packet.build();
    overwrite16(&frame, offset, value);
    return frame;
  };

  check_ends_in(COUNT_MALFORMED, lie(four, at + 2, 41));  // longer than the frame
  check_ends_in(COUNT_MALFORMED, lie(four, at + 2, 0));   // only super-packets may say 0
  check_ends_in(COUNT_MALFORMED, lie(four, at + 2, 19));  // shorter than its own header
  check_ends_in(COUNT_MALFORMED, lie(four, at, 0x4400));  // header of 16 bytes
  check_ends_in(COUNT_MALFORMED, lie(four, at, 0x4f00));  // header longer than the packet
  check_ends_in(COUNT_MALFORMED, lie(four, at, 0x6500));  // not the version Ethernet says
  check_ends_in(COUNT_MALFORMED, lie(six, at, 0x4500));   // nor here
  check_ends_in(COUNT_MALFORMED, lie(six, at + 4, 21));   // longer than the frame
  check_ends_in(COUNT_MALFORMED, lie(six, at + 4, 0));    // no room for TCP
  const Packet extended = v6().extension(kDestinationOptions).tcp(1, 443, kSyn);
  check_ends_in(COUNT_MALFORMED, lie(extended, at + 40, 0x0603));  // 32 bytes of options in 28
}

TEST_CASE("a UDP length that lies is the receiver's affair: the destination is right", "[parse]") {
  Bytes frame = v4().udp(1, 53).payload(20).build();
  overwrite16(&frame, 14 + 20 + 4, 3);
  Harness harness;

  CHECK(harness.outcome(frame) == COUNT_RECORDED);
  CHECK(harness.flow(kFar4, 53, IPPROTO_UDP));
}

}  // namespace outflow::test
