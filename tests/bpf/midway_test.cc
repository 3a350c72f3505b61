// Conversations older than the hook: what is kept as inferred, what a memory of the peer's opening
// explains, and what settles it. Harness adds the sum rule to each.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>

#include <thread>

#include "egress.skel.h"

#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

constexpr const char* kPod = "10.244.1.5";
constexpr const char* kFar = "192.0.2.10";
constexpr std::uint32_t kOld = Harness::kInterface | INTERFACE_REMEMBERS | INTERFACE_INFERS;
constexpr std::uint8_t kCookieAck = 11;
constexpr std::uint8_t kData = 0;

Bytes out(std::uint16_t from, std::uint16_t to, std::uint8_t tcp_flags) {
  return Packet().ethernet().ipv4(kPod, kFar).tcp(from, to, tcp_flags).build();
}
Bytes in(std::uint16_t from, std::uint16_t to, std::uint8_t tcp_flags) {
  return Packet().ethernet().ipv4(kFar, kPod).tcp(from, to, tcp_flags).build();
}
Bytes sctp_out(std::uint16_t from, std::uint16_t to, std::uint8_t chunk) {
  return Packet().ethernet().ipv4(kPod, kFar).sctp(from, to, chunk).build();
}
Bytes udp_out(std::uint16_t from, std::uint16_t to) {
  return Packet().ethernet().ipv4(kPod, kFar).udp(from, to).build();
}
Bytes udp_in(std::uint16_t from, std::uint16_t to) {
  return Packet().ethernet().ipv4(kFar, kPod).udp(from, to).build();
}

void wait_jiffies(const Harness& harness, std::uint64_t count) {
  const std::uint64_t until = harness.read_clock().jiffies + count;
  while (harness.read_clock().jiffies < until) std::this_thread::yield();
}

}  // namespace

TEST_CASE(
    "in the middle of a connection the tuple is inferred, on an interface older than its hook",
    "[midway]") {
  Harness harness;
  harness.name_interface(kOld);
  harness.from_pod(out(40000, 5432, kAck | kPsh));
  harness.from_pod(out(40000, 5432, kAck));
  harness.from_pod(sctp_out(40000, 3868, kData));

  const auto flow = harness.flow(kFar, 5432, IPPROTO_TCP);
  REQUIRE(flow);
  CHECK(flags_in(*flow) == FLOW_INFERRED);
  CHECK(flow->packets == 2);
  CHECK(flow->attempts == 0);
  CHECK(flags_in(*harness.flow(kFar, 3868, IPPROTO_SCTP)) == FLOW_INFERRED);
}

TEST_CASE("an interface as young as its hook infers nothing", "[midway]") {
  Harness harness;

  CHECK(harness.outcome(out(40000, 5432, kAck)) == COUNT_TCP_UNOPENED);
  CHECK(harness.outcome(sctp_out(40000, 3868, kData)) == COUNT_SCTP_UNOPENED);
}

TEST_CASE("replies to a connection whose opening the hook saw are never inferred", "[midway]") {
  Harness harness;
  // The tables of older conversations are not read yet; openings are remembered already.
  harness.name_interface(Harness::kInterface | INTERFACE_REMEMBERS);
  harness.to_pod(in(51000, 8080, kSyn));
  CHECK(harness.outcome(out(8080, 51001, kAck)) == COUNT_TCP_UNOPENED);

  harness.name_interface(kOld);
  CHECK(harness.outcome(out(8080, 51000, kSyn | kAck)) == COUNT_TCP_UNOPENED);
  CHECK(harness.outcome(out(8080, 51000, kAck)) == COUNT_TCP_UNOPENED);
  harness.to_pod(Packet().ethernet().ipv4(kFar, kPod).sctp(51000, 3868, kInit).build());
  CHECK(harness.outcome(sctp_out(3868, 51000, kData)) == COUNT_SCTP_UNOPENED);
}

TEST_CASE("who accepts did not open, and later segments know it", "[midway]") {
  Harness harness;
  harness.name_interface(kOld);

  CHECK(harness.outcome(out(8080, 51000, kSyn | kAck)) == COUNT_TCP_UNOPENED);
  CHECK(harness.outcome(out(8080, 51000, kAck | kPsh)) == COUNT_TCP_UNOPENED);
  CHECK(harness.outcome(sctp_out(3868, 51000, kCookieAck)) == COUNT_SCTP_UNOPENED);
  CHECK(harness.outcome(sctp_out(3868, 51000, kData)) == COUNT_SCTP_UNOPENED);
}

TEST_CASE("what ends an unknown connection tells nothing of it", "[midway]") {
  Harness harness;
  harness.name_interface(kOld);

  CHECK(harness.outcome(out(8080, 51000, kRst)) == COUNT_TCP_UNOPENED);
  CHECK(harness.outcome(out(8080, 51000, kRst | kAck)) == COUNT_TCP_UNOPENED);
  CHECK(harness.outcome(sctp_out(3868, 51000, kAbort)) == COUNT_SCTP_UNOPENED);
}

TEST_CASE("the memory of who opened a connection has no age", "[midway]") {
  Harness harness([](egress_bpf& object) { object.rodata->reply_memory_jiffies = 2; });
  harness.name_interface(kOld);
  harness.to_pod(in(51000, 8080, kSyn));
  wait_jiffies(harness, 6);

  CHECK(harness.outcome(out(8080, 51000, kAck)) == COUNT_TCP_UNOPENED);
}

TEST_CASE("an opening settles an inferred tuple", "[midway]") {
  Harness harness;
  harness.name_interface(kOld);
  harness.from_pod(out(40000, 5432, kAck));
  harness.from_pod(out(40001, 5432, kSyn));

  const auto flow = harness.flow(kFar, 5432, IPPROTO_TCP);
  CHECK(flags_in(*flow) == 0);
  CHECK(flow->packets == 2);
  CHECK(flow->attempts == 1);
}

TEST_CASE("datagrams are inferred only while no table told of older conversations", "[midway]") {
  Harness harness([](egress_bpf& object) { object.rodata->reply_memory_jiffies = 5; });
  harness.name_interface(kOld);
  harness.from_pod(udp_out(5353, 51000));
  CHECK(flags_in(*harness.flow(kFar, 51000, IPPROTO_UDP)) == 0);

  harness.name_interface(kOld | INTERFACE_UNTOLD);
  harness.to_pod(udp_in(51001, 5353));
  CHECK(harness.outcome(udp_out(5353, 51001)) == COUNT_UDP_REPLY);
  harness.from_pod(udp_out(5353, 51002));
  harness.from_pod(udp_out(5353, 51002));
  CHECK(flags_in(*harness.flow(kFar, 51002, IPPROTO_UDP)) == FLOW_INFERRED);

  // After a silence longer than the memory the pod speaks first.
  wait_jiffies(harness, 10);
  harness.from_pod(udp_out(5353, 51002));
  CHECK(flags_in(*harness.flow(kFar, 51002, IPPROTO_UDP)) == 0);
}

TEST_CASE("a tuple another table told of counts what follows, and keeps its mark", "[midway]") {
  Harness harness;
  harness.name_interface(kOld);
  const flow_key key = key_of(kFar, 5432, IPPROTO_TCP);
  flow_stats told{};
  told.established = 1;
  told.flags_refused = FLOW_PRE_EXISTING;
  told.source_tag = inet_addr(kPod);
  REQUIRE(bpf_map_update_elem(bpf_map__fd(harness.object().maps.flows), &key, &told, BPF_NOEXIST) ==
          0);
  harness.from_pod(out(40000, 5432, kAck));

  const auto flow = harness.flow(kFar, 5432, IPPROTO_TCP);
  CHECK(flow->packets == 1);
  CHECK(flags_in(*flow) == FLOW_PRE_EXISTING);
  CHECK(harness.other_sources().empty());
}

TEST_CASE("a peer that speaks keeps an inferred tuple from being taken for the pod's", "[midway]") {
  Harness harness([](egress_bpf& object) { object.rodata->reply_memory_jiffies = 20; });
  harness.name_interface(kOld | INTERFACE_UNTOLD);
  harness.from_pod(udp_out(123, 51002));
  wait_jiffies(harness, 25);
  harness.to_pod(udp_in(51002, 123));
  harness.from_pod(udp_out(123, 51002));

  CHECK(flags_in(*harness.flow(kFar, 51002, IPPROTO_UDP)) == FLOW_INFERRED);
}

TEST_CASE("what another table proves is inferred no longer", "[midway]") {
  Harness harness;
  harness.name_interface(kOld | INTERFACE_UNTOLD);
  harness.from_pod(udp_out(40000, 443));
  harness.from_pod(udp_out(40000, 444));
  flow_key key = key_of(kFar, 443, IPPROTO_UDP);
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.ctx_in = &key;
  options.ctx_size_in = sizeof key;
  REQUIRE(bpf_prog_test_run_opts(harness.program("confirm_opened"), &options) == 0);

  CHECK(flags_in(*harness.flow(kFar, 443, IPPROTO_UDP)) == FLOW_PRE_EXISTING);
  CHECK(flags_in(*harness.flow(kFar, 444, IPPROTO_UDP)) == FLOW_INFERRED);
}

}  // namespace outflow::test
