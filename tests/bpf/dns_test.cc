// DNS answers reach the ring byte for byte, or the counter that says why not; and whatever becomes
// of them, the tuple is counted as ever.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>

#include <numeric>
#include <thread>

#include "egress.skel.h"

#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

constexpr const char* kPod4 = "10.244.1.5";
constexpr const char* kPod6 = "2001:db8:244::5";
constexpr const char* kResolver4 = "10.96.0.10";
constexpr const char* kResolver6 = "2001:db8:96::a";
constexpr std::uint16_t kPort = 40053;
constexpr std::uint8_t kAnswerBit = 0x80;

// `size` bytes of which the first 12 are a DNS header: an answer unless told otherwise.
Bytes message(std::size_t size, bool answer = true) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
  if (size > 2) bytes[2] = answer ? kAnswerBit | 0x01 : 0x01;
  return bytes;
}

Packet to_resolver(bool v4) {
  Packet packet;
  packet.ethernet();
  return v4 ? packet.ipv4(kPod4, kResolver4) : packet.ipv6(kPod6, kResolver6);
}
Packet from_resolver(bool v4) {
  Packet packet;
  packet.ethernet();
  return v4 ? packet.ipv4(kResolver4, kPod4) : packet.ipv6(kResolver6, kPod6);
}
Bytes answer(const Bytes& payload, bool v4 = true) {
  return from_resolver(v4).udp(53, kPort).payload(payload).build();
}

class Asked : public Harness {
 public:
  explicit Asked(const std::function<void(egress_bpf&)>& adjust = nullptr) : Harness(adjust) {
    for (const bool v4 : {true, false}) {
      from_pod(to_resolver(v4).udp(kPort, 53).payload(message(30, false)).build());
      from_pod(to_resolver(v4).tcp(kPort, 53, kSyn).build());
    }
  }
};

}  // namespace

TEST_CASE("a UDP answer is copied whole, of every size up to the largest", "[dns]") {
  for (const bool v4 : {true, false}) {
    // 256 to 263 and 512 to 519: lengths whose low byte lies. test_run takes no more than a page.
    for (const std::size_t size : {12, 13, 255, 256, 263, 511, 512, 513, 519, 1232, 1400, 3300}) {
      Asked harness;
      const Bytes payload = message(size);
      harness.to_pod(answer(payload, v4));

      INFO(size << (v4 ? " v4" : " v6"));
      const auto records = harness.dns_records();
      REQUIRE(records.size() == 1);
      CHECK(records[0].payload == payload);
      CHECK(records[0].head.length == size);
      CHECK(records[0].head.offset == 0);
      CHECK(records[0].head.interface_id == Harness::kInterface);
      CHECK(is_address(records[0].head.resolver, v4 ? kResolver4 : kResolver6));
      CHECK(is_address(records[0].head.client, v4 ? kPod4 : kPod6));
      CHECK(ntohs(records[0].head.client_port) == kPort);
      CHECK(records[0].head.protocol == IPPROTO_UDP);
      CHECK(records[0].head.cut == 0);
      CHECK(harness.dns_count(DNS_COPIED) == 1);
      CHECK(harness.flow(v4 ? kResolver4 : kResolver6, 53, IPPROTO_UDP)->established == 1);
    }
  }
}

TEST_CASE("TCP payloads come with their place in the stream, bare acknowledgements do not",
          "[dns]") {
  Asked harness;
  const Bytes payload = message(700);
  const auto segment = [](std::uint8_t flags) {
    return from_resolver(true).tcp(53, kPort, flags, 0x01020304);
  };
  harness.to_pod(segment(kSyn | kAck).build());
  harness.to_pod(segment(kAck).build());
  harness.to_pod(segment(kAck | kPsh).payload(payload).build());
  harness.to_pod(segment(kAck | kFin).payload(payload).build());
  harness.to_pod(segment(kRst | kAck).build());

  const auto records = harness.dns_records();
  REQUIRE(records.size() == 2);
  for (const auto& record : records) {
    CHECK(record.payload == payload);
    CHECK(record.head.sequence == 0x01020304);
    CHECK(record.head.protocol == IPPROTO_TCP);
  }
  CHECK(harness.flow(kResolver4, 53, IPPROTO_TCP)->established == 1);
}

TEST_CASE("answers are found behind a VLAN tag, IP options and extension headers", "[dns]") {
  Asked harness;
  const Bytes payload = message(100);
  const Bytes options = {0x94, 4, 0, 0};
  harness.to_pod(Packet()
                     .ethernet()
                     .vlan(7)
                     .ipv4(kResolver4, kPod4, options)
                     .udp(53, kPort)
                     .payload(payload)
                     .build());
  harness.to_pod(from_resolver(false).extension(kHopByHop).udp(53, kPort).payload(payload).build());

  const auto records = harness.dns_records();
  REQUIRE(records.size() == 2);
  CHECK(records[0].payload == payload);
  CHECK(records[1].payload == payload);
}

TEST_CASE("what the pod did not ask, and what is no answer, is not copied", "[dns]") {
  Asked harness;
  harness.to_pod(answer(message(100, false)));  // a query
  harness.to_pod(answer(message(11)));          // shorter than a header
  harness.to_pod(
      Packet().ethernet().ipv4("10.96.0.11", kPod4).udp(53, kPort).payload(message(100)).build());
  harness.to_pod(from_resolver(true).udp(5353, kPort).payload(message(100)).build());
  harness.to_pod(from_resolver(true).udp(53, kPort).build());

  CHECK(harness.dns_records().empty());
  CHECK(harness.dns_count(DNS_COPIED) == 0);
  CHECK(harness.dns_count(DNS_NOT_ANSWER) == 4);
}

TEST_CASE("a first fragment is copied as far as it goes, and marked", "[dns]") {
  Asked harness;
  harness.to_pod(
      from_resolver(true).fragment_v4(0, true).udp(53, kPort).payload(message(1000)).build());

  const auto records = harness.dns_records();
  REQUIRE(records.size() == 1);
  CHECK(records[0].head.cut == 1);
  CHECK(harness.dns_count(DNS_CUT) == 1);
  CHECK(harness.dns_count(DNS_COPIED) == 0);
}

TEST_CASE("a flood is limited for its interface, each second anew, and counted", "[dns]") {
  Asked harness([](egress_bpf& object) {
    object.rodata->dns_answers_max = 3;
    object.rodata->second_jiffies = 20;
  });
  const std::uint64_t begin = harness.read_clock().jiffies;
  for (int i = 0; i < 8; ++i) harness.to_pod(answer(message(50)));
  const bool in_time = harness.read_clock().jiffies - begin < 20;
  harness.name_interface(Harness::kInterface + 1);
  harness.from_pod(to_resolver(true).udp(kPort, 53).payload(message(30, false)).build());
  harness.to_pod(answer(message(50)));
  harness.name_interface(Harness::kInterface);

  if (in_time) CHECK(harness.dns_records().size() == 4);
  if (in_time) CHECK(harness.dns_count(DNS_LIMITED) == 5);
  while (harness.read_clock().jiffies < begin + 25) std::this_thread::yield();
  harness.to_pod(answer(message(50)));
  CHECK(harness.dns_count(DNS_COPIED) + harness.dns_count(DNS_LIMITED) == 10);
  CHECK_FALSE(harness.dns_records().empty());
}

TEST_CASE("an answer the ring has no room for is counted", "[dns]") {
  Asked harness([](egress_bpf& object) { bpf_map__set_max_entries(object.maps.dns, 4096); });
  for (int i = 0; i < 20; ++i) harness.to_pod(answer(message(50)));

  const std::uint64_t lost = harness.dns_count(DNS_RING_FULL);
  CHECK(lost > 0);
  CHECK(harness.dns_records().size() == 20 - lost);
  CHECK(harness.dns_count(DNS_COPIED) == 20 - lost);
}

TEST_CASE("answers cut anywhere are copied as far as they go or not at all", "[dns]") {
  Asked harness;
  const Bytes whole = answer(message(60));
  for (std::size_t size = shortest_run(whole); size < whole.size(); ++size) {
    harness.to_pod({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
  }

  CHECK(harness.dns_records().empty());
}

}  // namespace outflow::test
