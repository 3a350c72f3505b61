// What a packet from the pod opens, and what it does not.
#include <netinet/in.h>

#include <thread>

#include "egress.skel.h"

#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

struct Family {
  const char* pod;
  const char* far;
  std::uint8_t icmp;
  std::uint8_t echo;
  std::uint8_t echo_reply;
};
constexpr Family kFamilies[] = {{"10.244.1.5", "192.0.2.10", IPPROTO_ICMP, 8, 0},
                                {"2001:db8:1::5", "2001:db8:ffff::10", IPPROTO_ICMPV6, 128, 129}};
constexpr std::uint16_t kPeerPorts[] = {53, 123, 443, 8125, 51000};
constexpr std::uint8_t kOtherChunks[] = {0, 2, 3, 6, 10, 255};

Packet ip(const char* source, const char* destination) {
  Packet packet;
  packet.ethernet();
  return std::string_view(source).find(':') == std::string_view::npos
             ? packet.ipv4(source, destination)
             : packet.ipv6(source, destination);
}
Packet out(const Family& family) {
  return ip(family.pod, family.far);
}
Packet in(const Family& family) {
  return ip(family.far, family.pod);
}

Packet echo(Packet packet, const Family& family, std::uint8_t type) {
  return family.icmp == IPPROTO_ICMP ? packet.icmp(type) : packet.icmp6(type);
}

}  // namespace

TEST_CASE("only a SYN without ACK opens a TCP tuple", "[egress]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    const std::uint8_t not_opening[] = {0,           kAck,        kSyn | kAck, kFin | kAck,
                                        kRst,        kRst | kAck, kPsh | kAck, kSyn | kAck | kFin,
                                        kSyn | kRst, 0xff};
    for (const std::uint8_t flags : not_opening) {
      INFO("flags " << int{flags});
      CHECK(harness.outcome(out(family).tcp(40000, 443, flags).build()) == COUNT_TCP_UNOPENED);
    }
    CHECK(harness.flows().empty());

    // ECN and PSH beside SYN, or data in it (TCP Fast Open), are still openings; SYN+FIN is an
    // attempt.
    const std::uint8_t opening[] = {kSyn, kSyn | 0xc0, kSyn | kPsh, kSyn | kFin};
    for (const std::uint8_t flags : opening) {
      CHECK(harness.outcome(out(family).tcp(40000, 443, flags).payload(100).build()) ==
            COUNT_RECORDED);
    }
    CHECK(harness.flow(family.far, 443, IPPROTO_TCP)->attempts == std::size(opening));
  }
}

TEST_CASE("every segment of an opened TCP tuple counts, retransmitted SYNs as attempts",
          "[egress]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    const Bytes syn = out(family).tcp(40000, 443, kSyn).build();
    const Bytes data = out(family).tcp(40000, 443, kAck | kPsh).payload(1000).build();
    for (int i = 0; i < 3; ++i) harness.from_pod(syn);
    for (int i = 0; i < 5; ++i) harness.from_pod(data);
    // Another client port is the same tuple; another port there is another.
    harness.from_pod(out(family).tcp(40001, 443, kSyn).build());
    harness.from_pod(out(family).tcp(40000, 80, kSyn).build());

    const auto flow = harness.flow(family.far, 443, IPPROTO_TCP);
    REQUIRE(flow);
    CHECK(flow->packets == 9);
    CHECK(flow->bytes == 4 * (syn.size() - 14) + 5 * (data.size() - 14));
    CHECK(flow->attempts == 4);
    CHECK(flow->established == 0);
    CHECK(refused_in(*flow) == 0);
    CHECK(harness.flow(family.far, 80, IPPROTO_TCP)->attempts == 1);
    CHECK(harness.flows().size() == 2);
  }
}

TEST_CASE("a server's replies never become egress", "[egress]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    harness.to_pod(in(family).tcp(51000, 8080, kSyn).build());
    CHECK(harness.outcome(out(family).tcp(8080, 51000, kSyn | kAck).build()) == COUNT_TCP_UNOPENED);
    harness.to_pod(in(family).tcp(51000, 8080, kAck).build());
    CHECK(harness.outcome(out(family).tcp(8080, 51000, kAck).payload(9).build()) ==
          COUNT_TCP_UNOPENED);

    harness.to_pod(in(family).sctp(51000, 3868, kInit).build());
    CHECK(harness.outcome(out(family).sctp(3868, 51000, kInitAck).build()) == COUNT_SCTP_UNOPENED);

    harness.to_pod(echo(in(family), family, family.echo).build());
    CHECK(harness.outcome(echo(out(family), family, family.echo_reply).build()) ==
          COUNT_ICMP_OTHER);

    // Whatever the ports are: nothing is guessed from them.
    for (const std::uint16_t port : kPeerPorts) {
      harness.to_pod(in(family).udp(port, 53).payload(20).build());
      CHECK(harness.outcome(out(family).udp(53, port).payload(99).build()) == COUNT_UDP_REPLY);
    }
    harness.to_pod(in(family).protocol(47).payload(20).build());
    CHECK(harness.outcome(out(family).protocol(47).payload(20).build()) == COUNT_UDP_REPLY);
    CHECK(harness.flows().empty());
  }
}

TEST_CASE("UDP that the pod sends first opens a tuple, from whatever port", "[egress]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    for (const std::uint16_t port : kPeerPorts) {
      CHECK(harness.outcome(out(family).udp(port, 9000).payload(20).build()) == COUNT_RECORDED);
    }

    CHECK(harness.flow(family.far, 9000, IPPROTO_UDP)->packets == 5);
    CHECK(harness.flow(family.far, 9000, IPPROTO_UDP)->attempts == 0);
    CHECK(harness.flows().size() == 1);
  }
}

TEST_CASE("who spoke first is remembered for that peer, both ports and that interface",
          "[egress]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    harness.to_pod(in(family).udp(51000, 53).payload(20).build());
    CHECK(harness.remembered() == 1);
    CHECK(harness.outcome(out(family).udp(53, 51000).build()) == COUNT_UDP_REPLY);

    CHECK(harness.outcome(out(family).udp(54, 51000).build()) == COUNT_RECORDED);
    CHECK(harness.outcome(out(family).udp(53, 51001).build()) == COUNT_RECORDED);
    harness.name_interface(Harness::kInterface + 1);
    CHECK(harness.outcome(out(family).udp(53, 51000).build()) == COUNT_RECORDED);
  }
}

TEST_CASE("both sides of a UDP conversation that the pod began belong to its tuple", "[egress]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    harness.from_pod(out(family).udp(123, 123).build());
    harness.to_pod(in(family).udp(123, 123).build());

    CHECK(harness.outcome(out(family).udp(123, 123).build()) == COUNT_RECORDED);
    CHECK(harness.remembered() == 0);
    CHECK(harness.flow(family.far, 123, IPPROTO_UDP)->established == 1);
  }
}

TEST_CASE("a UDP peer that was silent for longer than the memory is new again", "[egress]") {
  const auto pause = [](std::uint32_t ticks, Harness& harness) {
    const std::uint64_t until = harness.read_clock().jiffies + ticks;
    while (harness.read_clock().jiffies < until) std::this_thread::yield();
  };
  constexpr std::uint32_t kMemory = 20;  // jiffies
  Harness harness([](egress_bpf& object) { object.rodata->reply_memory_jiffies = kMemory; });
  const Family& family = kFamilies[0];
  const Bytes request = in(family).udp(51000, 53).build();
  const Bytes reply = out(family).udp(53, 51000).build();

  // Either side's packets keep it fresh: together these take longer than the memory lasts.
  harness.to_pod(request);
  for (int i = 0; i < 3; ++i) {
    pause(kMemory / 2, harness);
    CHECK(harness.outcome(reply) == COUNT_UDP_REPLY);
    pause(kMemory / 2, harness);
    harness.to_pod(request);
  }
  pause(kMemory + 1, harness);
  CHECK(harness.outcome(reply) == COUNT_RECORDED);
}

TEST_CASE("an echo request opens a tuple; all other ICMP from the pod does not", "[egress]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    CHECK(harness.outcome(echo(out(family), family, family.echo).payload(56).build()) ==
          COUNT_RECORDED);
    for (int type = 0; type < 256; ++type) {
      if (type == family.echo) continue;
      CHECK(harness.outcome(echo(out(family), family, static_cast<std::uint8_t>(type)).build()) ==
            COUNT_ICMP_OTHER);
    }

    CHECK(harness.flows().size() == 1);
    CHECK(harness.flow(family.far, 0, family.icmp)->packets == 1);
  }
}

TEST_CASE("only INIT opens an SCTP tuple, and its data counts there", "[egress]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    for (const std::uint8_t chunk : kOtherChunks) {
      CHECK(harness.outcome(out(family).sctp(40000, 3868, chunk).build()) == COUNT_SCTP_UNOPENED);
    }
    harness.from_pod(out(family).sctp(40000, 3868, kInit).build());
    harness.from_pod(out(family).sctp(40000, 3868, 0).build());

    const auto flow = harness.flow(family.far, 3868, IPPROTO_SCTP);
    REQUIRE(flow);
    CHECK(flow->packets == 2);
    CHECK(flow->attempts == 1);
  }
}

TEST_CASE("thousands of peers that spoke first are told apart, and the longest silent go",
          "[egress]") {
  Harness harness;
  const auto peer = [](int i) {
    return "100." + std::to_string(64 + i / 10000) + "." + std::to_string(i / 100 % 100) + "." +
           std::to_string(i % 100);
  };
  constexpr int kPeers = 20000;
  for (int i = 0; i < kPeers; ++i) {
    harness.to_pod(Packet().ethernet().ipv4(peer(i), "10.244.1.5").udp(40000, 53).build());
  }
  CHECK(harness.remembered() <= kPeers);
  CHECK(harness.remembered() > kPeers * 9 / 10);
  int strangers = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto out = [&](const std::string& to) {
      return Packet().ethernet().ipv4("10.244.1.5", to).udp(53, 40000).build();
    };
    if (harness.outcome(out(peer(kPeers - 1 - i))) != COUNT_UDP_REPLY) ++strangers;
    // The same peer at another port never spoke.
    if (i % 10 == 0) {
      const Bytes other =
          Packet().ethernet().ipv4("10.244.1.5", peer(kPeers - 1 - i)).udp(53, 40001).build();
      REQUIRE(harness.outcome(other) == COUNT_RECORDED);
    }
  }
  CHECK(strangers < 20);
}

}  // namespace outflow::test
