// Random and mutated packets: the kernel's parser and one written another way agree on every one.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <iomanip>
#include <random>
#include <sstream>

#include "tests/bpf/harness.h"
#include "tests/bpf/reference_parser.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

constexpr int kPackets = 6000;

using Random = std::mt19937;

std::uint32_t below(Random& random, std::uint32_t limit) {
  return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random);
}

// One in `n`.
bool one_in(Random& random, std::uint32_t n) {
  return below(random, n) == 0;
}

void add_extensions(Random& random, Packet* packet) {
  const std::uint32_t count = one_in(random, 8) ? below(random, 12) : below(random, 4);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::array<std::uint8_t, 3> kinds = {kHopByHop, kRouting, kDestinationOptions};
    switch (below(random, 8)) {
      case 0:
        packet->fragment_v6(static_cast<std::uint16_t>(one_in(random, 4) ? 3 : 0),
                            one_in(random, 2));
        break;
      case 1:
        packet->authentication(8 + 4 * below(random, 10));
        break;
      default:
        packet->extension(kinds.at(below(random, 3)),
                          8 + 8 * (one_in(random, 10) ? below(random, 80) : below(random, 3)));
    }
  }
}

void add_transport(Random& random, Packet* packet) {
  const auto port = static_cast<std::uint16_t>(below(random, 65536));
  const auto byte = static_cast<std::uint8_t>(below(random, 256));
  switch (below(random, 7)) {
    case 0:
    case 1:
      packet->tcp(port, 443, one_in(random, 2) ? kSyn : byte);
      break;
    case 2:
      packet->udp(port, 53);
      break;
    case 3:
      packet->sctp(port, 3868, one_in(random, 2) ? kInit : byte);
      break;
    case 4:
      packet->icmp(one_in(random, 2) ? 8 : byte);
      break;
    case 5:
      packet->icmp6(one_in(random, 2) ? 128 : byte);
      break;
    default:
      packet->protocol(byte);
  }
  packet->payload(below(random, one_in(random, 10) ? 1400 : 64));
}

Bytes random_frame(Random& random) {
  Packet packet;
  packet.ethernet();
  if (one_in(random, 4)) {
    for (std::uint32_t i = below(random, 4); i > 0; --i) {
      packet.vlan(7, one_in(random, 2) ? 0x88a8 : 0x8100);
    }
  }
  if (one_in(random, 2)) {
    packet.ipv4("10.1.2.3", "192.0.2.9", Bytes(one_in(random, 2) ? below(random, 41) : 0, 1));
    if (one_in(random, 6)) {
      packet.fragment_v4(static_cast<std::uint16_t>(below(random, 3)), one_in(random, 2));
    }
  } else {
    packet.ipv6("2001:db8::3", "2001:db8::9");
    if (one_in(random, 2)) add_extensions(random, &packet);
  }
  add_transport(random, &packet);
  return packet.build();
}

// Bytes flipped (mostly in the headers), the end cut off or padded.
void mutate(Random& random, Bytes* frame) {
  for (std::uint32_t i = below(random, 4); i > 0; --i) {
    const auto reach = static_cast<std::uint32_t>(std::min<std::size_t>(frame->size(), 80));
    frame->at(12 + below(random, reach - 12)) = static_cast<std::uint8_t>(below(random, 256));
  }
  if (one_in(random, 4))
    frame->resize(15 + below(random, static_cast<std::uint32_t>(frame->size())));
}

std::string to_hex(const Bytes& frame) {
  std::ostringstream text;
  for (const std::uint8_t byte : frame) {
    text << std::hex << std::setw(2) << std::setfill('0') << int{byte};
  }
  return text.str();
}

bool same_flow(const FlowEntry& flow, const Expected& expected) {
  return std::ranges::equal(flow.key.destination, expected.destination) &&
         is_source(flow.stats, net::Address(expected.source)) &&
         ntohs(flow.key.destination_port) == expected.destination_port &&
         flow.key.protocol == expected.protocol && flow.key.interface_id == Harness::kInterface &&
         flow.key.reserved == 0 && flow.stats.packets == 1 && flow.stats.bytes == expected.bytes &&
         flow.stats.attempts == expected.attempts && flags_in(flow.stats) == expected.flags;
}

}  // namespace

TEST_CASE("the kernel's parser and a second one agree on random and mutated packets",
          "[property]") {
  const unsigned seed = std::random_device{}();
  Random random(seed);
  Harness harness;
  std::array<int, COUNT_MAX> outcomes{};
  for (int i = 0; i < kPackets; ++i) {
    Bytes frame = random_frame(random);
    if (one_in(random, 2)) mutate(random, &frame);
    if (frame.size() < shortest_run(frame)) continue;
    const Expected expected = expect_from_pod(frame);
    const packet_count outcome = harness.outcome(frame);
    const std::vector<FlowEntry> flows = harness.flows();

    outcomes.at(outcome)++;
    INFO("seed " << seed << ", packet " << i << ": " << to_hex(frame));
    REQUIRE(outcome == expected.outcome);
    REQUIRE(flows.size() == (outcome == COUNT_RECORDED ? 1 : 0));
    if (!flows.empty()) REQUIRE(same_flow(flows[0], expected));
    harness.forget_flows();
  }

  // The generator reaches every end a parse can have.
  for (const packet_count reason :
       {COUNT_RECORDED, COUNT_NOT_IP, COUNT_LATER_FRAGMENT, COUNT_TCP_UNOPENED, COUNT_ICMP_OTHER,
        COUNT_SCTP_UNOPENED, COUNT_MALFORMED, COUNT_UNKNOWN_HEADER}) {
    INFO("outcome " << reason << ", seed " << seed);
    CHECK(outcomes.at(reason) > 0);
  }
}

}  // namespace outflow::test
