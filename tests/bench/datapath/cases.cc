#include "tests/bench/datapath/cases.h"

#include <fmt/format.h>

namespace outflow::bench {
namespace {

// The goals: ours above null, as a multiple of floor above null.
constexpr double kKnownTuple = 1.3;      // TCP and UDP, IPv4 and IPv6; 1.1 would be splendid
constexpr double kServersSegment = 1.0;  // a lookup that finds nothing
constexpr double kUdpReply = 1.9;        // two lookups: the tuple, and who spoke first
constexpr double kOtherHookTcp = 0.1;    // what tells nothing of who opened: no lookup at all
constexpr double kOtherHookAnswer = 1.3;

// A kind of packet, before it is given sizes and numbers of tuples.
struct Kind {
  const char* name = nullptr;
  Shape packet;
  std::vector<Shape> before;
  std::optional<double> goal;
  std::optional<packet_count> ends;
  std::uint32_t tuples_max = 65'536;
};

constexpr Shape kSyn{.tcp_flags = test::kSyn};
constexpr Shape kSyn6{.v6 = true, .tcp_flags = test::kSyn};
constexpr Shape kUdp{.protocol = IPPROTO_UDP, .destination_port = 8125};
constexpr Shape kUdp6{.v6 = true, .protocol = IPPROTO_UDP, .destination_port = 8125};
// The pod serves TCP on 8080 and UDP on 5353: what it sends goes to ports it never opened.
constexpr Shape kServed{.source_port = 8080, .destination_port = 51'000};
constexpr Shape kQuery{
    .protocol = IPPROTO_UDP, .source_port = 51'000, .destination_port = 5353, .to_pod = true};
constexpr Shape kReply{.protocol = IPPROTO_UDP, .source_port = 5353, .destination_port = 51'000};

constexpr Shape tcp_in(std::uint8_t flags, bool v6 = false) {
  return {
      .v6 = v6, .source_port = 443, .destination_port = 40'000, .tcp_flags = flags, .to_pod = true};
}

constexpr Shape udp_in(bool v6 = false) {
  return {.v6 = v6,
          .protocol = IPPROTO_UDP,
          .source_port = 8125,
          .destination_port = 40'000,
          .to_pod = true};
}

std::vector<Kind> kinds() {
  constexpr std::uint8_t kData = test::kPsh | test::kAck;
  constexpr std::uint8_t kSynAck = test::kSyn | test::kAck;
  return {
      {"known tuple, TCP v4", {}, {kSyn}, kKnownTuple, COUNT_RECORDED},
      {"known tuple, TCP v6", {.v6 = true}, {kSyn6}, kKnownTuple, COUNT_RECORDED},
      {"known tuple, UDP v4", kUdp, {kUdp}, kKnownTuple, COUNT_RECORDED},
      {"known tuple, UDP v6", kUdp6, {kUdp6}, kKnownTuple, COUNT_RECORDED},
      {"no tuple: server's TCP data", kServed, {}, kServersSegment, COUNT_TCP_UNOPENED},
      // More peers than 16,384 are more than `inbound` remembers.
      {"no tuple: UDP reply", kReply, {kQuery}, kUdpReply, COUNT_UDP_REPLY, 4'096},
      {"other hook: TCP data v4", tcp_in(kData), {kSyn}, kOtherHookTcp, {}, 1},
      {"other hook: TCP data v6", tcp_in(kData, true), {kSyn6}, kOtherHookTcp, {}, 1},
      {"other hook: SYN-ACK v4", tcp_in(kSynAck), {kSyn}, kOtherHookAnswer, {}},
      {"other hook: SYN-ACK v6", tcp_in(kSynAck, true), {kSyn6}, kOtherHookAnswer, {}, 1},
      {"other hook: UDP answer v4", udp_in(), {kUdp}, kOtherHookAnswer, {}},
      {"other hook: UDP answer v6", udp_in(true), {kUdp6}, kOtherHookAnswer, {}, 1},
      {"other hook: UDP to a server", kQuery, {kQuery}, kOtherHookAnswer, {}, 4'096},
      {"other hook: RST of an open connection", tcp_in(test::kRst), {kSyn}, {}, {}, 1},
  };
}

struct Variant {
  std::size_t size = 0;
  std::uint32_t tuples = 1;
};

// Long packets show that only headers are read, many tuples what the processor's caches hold.
constexpr Variant kVariants[] = {{kShort, 1}, {kLong, 1}, {kShort, 4'096}, {kShort, 65'536}};

}  // namespace

std::vector<Case> hook_cases() {
  std::vector<Case> cases;
  for (const Kind& kind : kinds()) {
    for (const Variant& variant : kVariants) {
      if (variant.tuples > kind.tuples_max) continue;
      Case one{kind.name, kind.packet, kind.before, kind.goal, kind.ends, variant.tuples};
      one.packet.size = variant.size;
      one.name += variant.tuples > 1 ? fmt::format(", {} tuples", variant.tuples)
                                     : fmt::format(", {} B", packet_of(one.packet).size());
      cases.push_back(std::move(one));
    }
  }
  return cases;
}

}  // namespace outflow::bench
