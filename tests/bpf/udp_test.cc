// Conversations over UDP: they belong to whoever spoke first, whatever the ports are.
#include <bpf/libbpf.h>
#include <netinet/in.h>

#include <string>
#include <thread>

#include "egress.skel.h"

#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

struct Family {
  const char* pod;
  const char* far;
};
constexpr Family kFamilies[] = {{"10.244.1.5", "192.0.2.10"},
                                {"2001:db8:1::5", "2001:db8:ffff::10"}};
// DNS, NTP, HTTPS and QUIC, StatsD, and one nobody knows.
constexpr std::uint16_t kPorts[] = {53, 123, 443, 8125, 51000};

Packet ip(const char* source, const char* destination) {
  Packet packet;
  packet.ethernet();
  return std::string_view(source).find(':') == std::string_view::npos
             ? packet.ipv4(source, destination)
             : packet.ipv6(source, destination);
}
Bytes out(const Family& family, std::uint16_t pod_port, std::uint16_t far_port,
          std::size_t size = 40) {
  return ip(family.pod, family.far).udp(pod_port, far_port).payload(size).build();
}
Bytes in(const Family& family, std::uint16_t far_port, std::uint16_t pod_port,
         std::size_t size = 40) {
  return ip(family.far, family.pod).udp(far_port, pod_port).payload(size).build();
}

void pause(const Harness& harness, std::uint32_t ticks) {
  const std::uint64_t until = harness.read_clock().jiffies + ticks;
  while (harness.read_clock().jiffies < until) std::this_thread::yield();
}

}  // namespace

TEST_CASE("a pod's request and what comes of it are one tuple, whatever the ports are", "[udp]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    for (const std::uint16_t pod_port : kPorts) {
      for (const std::uint16_t far_port : kPorts) {
        CHECK(harness.outcome(out(family, pod_port, far_port)) == COUNT_RECORDED);
        // The server pushes; the client says something now and then.
        for (int i = 0; i < 20; ++i) harness.to_pod(in(family, far_port, pod_port, 1200));
        CHECK(harness.outcome(out(family, pod_port, far_port)) == COUNT_RECORDED);

        INFO("from port " << pod_port << " to port " << far_port);
        REQUIRE(harness.flows().size() == 1);
        const auto flow = harness.flow(family.far, far_port, IPPROTO_UDP);
        REQUIRE(flow);
        CHECK(flow->packets == 2);
        CHECK(flow->established == 1);
        CHECK(flow->attempts == 0);
        CHECK(harness.remembered() == 0);
        harness.forget_flows();
      }
    }
  }
}

TEST_CASE("a server's answers and pushes are no egress, whatever the ports are", "[udp]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    for (const std::uint16_t pod_port : kPorts) {
      for (const std::uint16_t far_port : kPorts) {
        harness.to_pod(in(family, far_port, pod_port));
        for (int i = 0; i < 20; ++i) {
          CHECK(harness.outcome(out(family, pod_port, far_port, 1200)) == COUNT_UDP_REPLY);
        }
      }
    }

    CHECK(harness.flows().empty());
    CHECK(harness.remembered() == std::size(kPorts) * std::size(kPorts));
  }
}

TEST_CASE("datagrams in one way: sent ones are an unanswered tuple, received ones nothing",
          "[udp]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    for (int i = 0; i < 5; ++i) harness.from_pod(out(family, 40000, 8125));
    for (int i = 0; i < 5; ++i) harness.to_pod(in(family, 40000, 9000));

    CHECK(harness.flows().size() == 1);
    const auto flow = harness.flow(family.far, 8125, IPPROTO_UDP);
    REQUIRE(flow);
    CHECK(flow->packets == 5);
    CHECK(flow->established == 0);
    CHECK(harness.remembered() == 1);
    CHECK(harness.count(COUNT_SEEN) == 5);
  }
}

TEST_CASE("a server that pushes unasked is the one that speaks first", "[udp]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    for (int i = 0; i < 10; ++i) harness.from_pod(out(family, 443, 51000));
    harness.to_pod(in(family, 51000, 443));
    harness.from_pod(out(family, 443, 51000));

    const auto flow = harness.flow(family.far, 51000, IPPROTO_UDP);
    REQUIRE(flow);
    CHECK(flow->packets == 11);
    CHECK(flow->established == 1);
    CHECK(harness.remembered() == 0);
  }
}

TEST_CASE("of two sides that speak at once, the one first at the veth began", "[udp]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    // Each had sent before it heard the other.
    harness.from_pod(out(family, 500, 500));
    harness.to_pod(in(family, 500, 500));
    CHECK(harness.outcome(out(family, 500, 500)) == COUNT_RECORDED);

    harness.to_pod(in(family, 4500, 4500));
    CHECK(harness.outcome(out(family, 4500, 4500)) == COUNT_UDP_REPLY);
    harness.to_pod(in(family, 4500, 4500));
    CHECK(harness.outcome(out(family, 4500, 4500)) == COUNT_UDP_REPLY);

    CHECK(harness.flows().size() == 1);
    CHECK(harness.flow(family.far, 500, IPPROTO_UDP)->packets == 2);
    CHECK(harness.flow(family.far, 500, IPPROTO_UDP)->established == 1);
  }
}

TEST_CASE("a port used for something else is something else", "[udp]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    // The pod's 53 has answered this peer; a request from the same port to another of its ports,
    // and one to another host's same port, are the pod's own.
    harness.to_pod(in(family, 51000, 53));
    CHECK(harness.outcome(out(family, 53, 51000)) == COUNT_UDP_REPLY);
    CHECK(harness.outcome(out(family, 53, 53)) == COUNT_RECORDED);
    const char* other = family.far[0] == '1' ? "192.0.2.11" : "2001:db8:ffff::11";
    CHECK(harness.outcome(ip(family.pod, other).udp(53, 51000).payload(9).build()) ==
          COUNT_RECORDED);
    // The peer's port is a client's again, of another of the pod's ports.
    harness.to_pod(in(family, 51000, 123));
    CHECK(harness.outcome(out(family, 123, 51000)) == COUNT_UDP_REPLY);

    CHECK(harness.flows().size() == 2);
  }
}

TEST_CASE("a pod's own tuple knows no idle time: a late answer is its answer", "[udp]") {
  constexpr std::uint32_t kMemory = 2;  // jiffies
  Harness harness([](egress_bpf& object) { object.rodata->reply_memory_jiffies = kMemory; });
  const Family& family = kFamilies[0];
  harness.from_pod(out(family, 40000, 443));
  pause(harness, 3 * kMemory);
  harness.to_pod(in(family, 443, 40000));
  pause(harness, 3 * kMemory);

  CHECK(harness.outcome(out(family, 40000, 443)) == COUNT_RECORDED);
  CHECK(harness.flow(family.far, 443, IPPROTO_UDP)->packets == 2);
  CHECK(harness.flow(family.far, 443, IPPROTO_UDP)->established == 1);
  CHECK(harness.remembered() == 0);
}

TEST_CASE("more peers than can be remembered are taken for destinations, never lost", "[udp]") {
  constexpr int kPeers = 100'000;
  constexpr int kRoom = INBOUND_BUCKETS * INBOUND_WAYS;
  Harness harness;
  const auto peer = [](int i) {
    return "100." + std::to_string(64 + i / 62'500) + "." + std::to_string(i / 250 % 250) + "." +
           std::to_string(i % 250 + 1);
  };
  for (int i = 0; i < kPeers; ++i) {
    harness.to_pod(ip(peer(i).c_str(), "10.244.1.5").udp(40000, 53).payload(9).build());
  }
  for (int i = 0; i < kPeers; ++i) {
    harness.from_pod(ip("10.244.1.5", peer(i).c_str()).udp(53, 40000).payload(9).build());
  }

  CHECK(harness.count(COUNT_UDP_REPLY) <= kRoom);
  CHECK(harness.count(COUNT_UDP_REPLY) + harness.count(COUNT_RECORDED) == kPeers);
}

TEST_CASE("DNS over UDP and over TCP are two tuples of one resolver", "[udp]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    harness.from_pod(out(family, 40000, 53));
    harness.to_pod(in(family, 53, 40000, 512));  // truncated: ask again by TCP
    harness.from_pod(ip(family.pod, family.far).tcp(40000, 53, kSyn).build());
    harness.to_pod(ip(family.far, family.pod).tcp(53, 40000, kSyn | kAck).build());
    for (int i = 0; i < 3; ++i) {
      harness.from_pod(ip(family.pod, family.far).tcp(40000, 53, kAck | kPsh).payload(40).build());
      harness.to_pod(ip(family.far, family.pod).tcp(53, 40000, kAck).payload(1400).build());
    }
    // A resolver that answers from another port did not answer: it spoke first.
    harness.to_pod(in(family, 5353, 40000, 512));

    CHECK(harness.flows().size() == 2);
    const auto datagrams = harness.flow(family.far, 53, IPPROTO_UDP);
    const auto stream = harness.flow(family.far, 53, IPPROTO_TCP);
    REQUIRE(datagrams);
    REQUIRE(stream);
    CHECK(datagrams->packets == 1);
    CHECK(datagrams->established == 1);
    CHECK(stream->packets == 4);
    CHECK(stream->attempts == 1);
    CHECK(stream->established == 1);
    CHECK(harness.remembered() == 1);
  }
}

TEST_CASE("a QUIC connection is one tuple beside TCP's, also when the client's port moves",
          "[udp]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    // RFC 9000: an Initial fills its datagram to 1,200 bytes; a client may migrate.
    for (const std::uint16_t port : {std::uint16_t{50001}, std::uint16_t{50002}}) {
      harness.from_pod(out(family, port, 443, 1200));
      for (int i = 0; i < 4; ++i) harness.to_pod(in(family, 443, port, 1200));
      harness.from_pod(out(family, port, 443, 60));
    }
    harness.from_pod(ip(family.pod, family.far).tcp(50001, 443, kSyn).build());

    CHECK(harness.flows().size() == 2);
    CHECK(harness.flow(family.far, 443, IPPROTO_UDP)->packets == 4);
    CHECK(harness.flow(family.far, 443, IPPROTO_UDP)->established == 1);
    CHECK(harness.flow(family.far, 443, IPPROTO_TCP)->packets == 1);
    CHECK(harness.flow(family.far, 443, IPPROTO_TCP)->established == 0);
  }
}

TEST_CASE("an answer to a datagram that found no room is not taken for the peer's opening",
          "[udp]") {
  for (const Family& family : kFamilies) {
    Harness harness([](egress_bpf& object) { bpf_map__set_max_entries(object.maps.flows, 1); });
    harness.from_pod(out(family, 40000, 7));
    CHECK(harness.outcome(out(family, 40000, 53)) == COUNT_OVERFLOWED);
    harness.to_pod(in(family, 53, 40000, 512));
    CHECK(harness.outcome(out(family, 40000, 53)) == COUNT_OVERFLOWED);

    // After the pressure it is a tuple like any other.
    harness.forget_flows();
    CHECK(harness.outcome(out(family, 40000, 53)) == COUNT_RECORDED);
  }
}

}  // namespace outflow::test
