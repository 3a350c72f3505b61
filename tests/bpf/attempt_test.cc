// Attempts against connections: what a tuple tells of how its openings ended.
#include <netinet/in.h>

#include <set>
#include <tuple>

#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

struct Family {
  const char* pod;
  const char* far;
  const char* router;
};
constexpr Family kFamilies[] = {{"10.244.1.5", "192.0.2.10", "198.51.100.1"},
                                {"2001:db8:1::5", "2001:db8:ffff::10", "2001:db8:ffff::1"}};

bool is_v4(const Family& family) {
  return std::string_view(family.pod).find(':') == std::string_view::npos;
}
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

// A router's or firewall's destination unreachable, which quotes what the pod sent.
Bytes unreachable(const Family& family, std::uint8_t code, const Packet& sent) {
  const Bytes frame = sent.build();
  Packet error = ip(family.router, family.pod);
  if (is_v4(family)) {
    error.icmp(3, code);
  } else {
    error.icmp6(1, code);
  }
  return error.payload(std::span(frame).subspan(sent.network())).build();
}

// Attempts, answers, refusals and flags.
using Ending = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>;

Ending ending(const Harness& harness, const Family& family, std::uint16_t port) {
  const auto flow = harness.flow(family.far, port, IPPROTO_TCP);
  REQUIRE(flow);
  return {flow->attempts, flow->established, refused_in(*flow), flags_in(*flow)};
}

}  // namespace

TEST_CASE("a refused, a filtered and a dropped connect are seen, and differ from a working one",
          "[attempt]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    harness.from_pod(out(family).tcp(40000, 1, kSyn).build());
    harness.to_pod(in(family).tcp(1, 40000, kSyn | kAck).build());
    harness.from_pod(out(family).tcp(40000, 1, kAck).build());

    harness.from_pod(out(family).tcp(40000, 2, kSyn).build());
    harness.to_pod(in(family).tcp(2, 40000, kRst | kAck, 0).build());

    const Packet filtered = out(family).tcp(40000, 3, kSyn);
    harness.from_pod(filtered.build());
    harness.to_pod(unreachable(family, is_v4(family) ? 13 : 1, filtered));

    // One and its retransmits, into silence.
    for (int i = 0; i < 4; ++i) harness.from_pod(out(family).tcp(40000, 4, kSyn).build());

    const Ending working = ending(harness, family, 1);
    const Ending refused = ending(harness, family, 2);
    const Ending rejected = ending(harness, family, 3);
    const Ending dropped = ending(harness, family, 4);
    CHECK(working == Ending{1, 1, 0, 0});
    CHECK(refused == Ending{1, 0, 1, 0});
    CHECK(rejected == Ending{1, 0, 1, FLOW_ICMP_REFUSED});
    CHECK(dropped == Ending{4, 0, 0, 0});
    CHECK(std::set{working, refused, rejected, dropped}.size() == 4);
  }
}

TEST_CASE("every code of destination unreachable but the one about size refuses", "[attempt]") {
  for (const Family& family : kFamilies) {
    for (std::uint8_t code = 0; code < 16; ++code) {
      Harness harness;
      const Packet sent = out(family).tcp(40000, 443, kSyn);
      harness.from_pod(sent.build());
      harness.to_pod(unreachable(family, code, sent));

      INFO("code " << int{code});
      const bool about_size = is_v4(family) && code == 4;
      CHECK(std::get<2>(ending(harness, family, 443)) == (about_size ? 0 : 1));
    }
  }
}

TEST_CASE("a connection that ends, by whichever side's RST, was established", "[attempt]") {
  for (const Family& family : kFamilies) {
    for (const bool by_pod : {true, false}) {
      Harness harness;
      harness.from_pod(out(family).tcp(40000, 443, kSyn).build());
      harness.to_pod(in(family).tcp(443, 40000, kSyn | kAck).build());
      harness.from_pod(out(family).tcp(40000, 443, kAck).payload(100).build());
      if (by_pod) {
        CHECK(harness.outcome(out(family).tcp(40000, 443, kRst | kAck, 0).build()) ==
              COUNT_RECORDED);
      } else {
        harness.to_pod(in(family).tcp(443, 40000, kRst, 1101).build());
        harness.to_pod(in(family).tcp(443, 40000, kRst | kAck, 1101).build());
      }

      CHECK(ending(harness, family, 443) == Ending{1, 1, 0, 0});
    }
  }
}

TEST_CASE("the same five-tuple used again within a period counts each connection", "[attempt]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    for (std::uint32_t i = 0; i < 3; ++i) {
      harness.from_pod(out(family).tcp(40000, 443, kSyn, 1000 * i).build());
      harness.to_pod(in(family).tcp(443, 40000, kSyn | kAck, 5000 * i).build());
      harness.from_pod(out(family).tcp(40000, 443, kAck, 1000 * i + 1).build());
      harness.from_pod(out(family).tcp(40000, 443, kFin | kAck, 1000 * i + 1).build());
      harness.to_pod(in(family).tcp(443, 40000, kFin | kAck, 5000 * i + 1).build());
    }

    CHECK(ending(harness, family, 443) == Ending{3, 3, 0, 0});
    CHECK(harness.flow(family.far, 443, IPPROTO_TCP)->packets == 9);
    CHECK(harness.flows().size() == 1);
  }
}

TEST_CASE("SYN with data, and SYN with FIN, are attempts that a SYN-ACK answers", "[attempt]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    // TCP Fast Open: the data travels in the SYN, the retransmit goes without.
    const Bytes opening = out(family).tcp(40000, 443, kSyn).payload(512).build();
    const Bytes again = out(family).tcp(40000, 443, kSyn).build();
    harness.from_pod(opening);
    harness.from_pod(again);
    harness.to_pod(in(family).tcp(443, 40000, kSyn | kAck).payload(300).build());
    harness.from_pod(out(family).tcp(40000, 80, kSyn | kFin).build());
    harness.to_pod(in(family).tcp(80, 40000, kSyn | kAck).build());

    CHECK(ending(harness, family, 443) == Ending{2, 1, 0, 0});
    CHECK(harness.flow(family.far, 443, IPPROTO_TCP)->bytes ==
          opening.size() - 14 + again.size() - 14);
    CHECK(ending(harness, family, 80) == Ending{1, 1, 0, 0});
  }
}

TEST_CASE("of two sides that open at once each has an attempt, and the answer is no third",
          "[attempt]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    harness.from_pod(out(family).tcp(179, 179, kSyn).build());
    harness.to_pod(in(family).tcp(179, 179, kSyn).build());
    CHECK(harness.outcome(out(family).tcp(179, 179, kSyn | kAck).build()) == COUNT_RECORDED);
    harness.to_pod(in(family).tcp(179, 179, kSyn | kAck).build());

    CHECK(ending(harness, family, 179) == Ending{1, 1, 0, 0});
  }
}

TEST_CASE("padding behind an ICMP error is no part of the packet it quotes", "[attempt]") {
  for (const Family& family : kFamilies) {
    Harness harness;
    const Packet sent = out(family).tcp(40000, 443, kSyn);
    const Bytes frame = sent.build();
    harness.from_pod(frame);
    // One byte less than the header and the 8 bytes that RFC 792 promises.
    const std::size_t quoted = (is_v4(family) ? 20 : 40) + 7;
    Packet error = ip(family.router, family.pod);
    if (is_v4(family)) {
      error.icmp(3, 1);
    } else {
      error.icmp6(1, 1);
    }
    Bytes padded = error.payload(std::span(frame).subspan(sent.network(), quoted)).build();
    padded.resize(padded.size() + 20);
    harness.to_pod(padded);

    CHECK(ending(harness, family, 443) == Ending{1, 0, 0, 0});
  }
}

}  // namespace outflow::test
