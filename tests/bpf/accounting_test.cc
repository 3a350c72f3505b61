// Nothing disappears uncounted: full tables, full rings, other sources, two CPUs, interfaces
// without a number. Harness adds the sum rule to each.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <time.h>

#include <cstring>
#include <thread>

#include "egress.skel.h"

#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

constexpr const char* kPod = "10.244.1.5";
constexpr const char* kOther = "10.244.1.6";
constexpr const char* kFar = "192.0.2.10";

Bytes syn(std::uint16_t port, const char* source = kPod) {
  return Packet().ethernet().ipv4(source, kFar).tcp(40000, port, kSyn).build();
}
Bytes syn_ack(std::uint16_t port, const char* pod = kPod) {
  return Packet().ethernet().ipv4(kFar, pod).tcp(port, 40000, kSyn | kAck).build();
}

void pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);
}

}  // namespace

TEST_CASE("a super-packet counts its segments", "[accounting]") {
  Harness harness;
  const Bytes data = Packet().ethernet().ipv4(kPod, kFar).tcp(1, 443, kAck).payload(2896).build();
  harness.from_pod(syn(443));
  harness.from_pod(data, 2);
  harness.from_pod(Packet().ethernet().ipv4(kPod, kFar).tcp(1, 80, kAck).payload(2896).build(), 2);

  CHECK(harness.flow(kFar, 443, IPPROTO_TCP)->packets == 3);
  CHECK(harness.flow(kFar, 443, IPPROTO_TCP)->bytes == 40 + data.size() - 14);
  CHECK(harness.count(COUNT_SEEN) == 5);
  CHECK(harness.count(COUNT_RECORDED) == 3);
  CHECK(harness.count(COUNT_TCP_UNOPENED) == 2);
}

TEST_CASE("a full table hands new tuples to the ring and still counts known ones", "[accounting]") {
  Harness harness([](egress_bpf& object) { bpf_map__set_max_entries(object.maps.flows, 4); });
  for (std::uint16_t port = 1; port <= 6; ++port) harness.from_pod(syn(port));
  harness.from_pod(syn(1));
  harness.from_pod(Packet().ethernet().ipv4(kOther, kFar).udp(1, 9).payload(50).build());

  CHECK(harness.flows().size() == 4);
  CHECK(harness.flow(kFar, 1, IPPROTO_TCP)->packets == 2);
  CHECK(harness.count(COUNT_OVERFLOWED) == 3);
  const auto events = harness.overflowed();
  REQUIRE(events.size() == 3);
  const flow_key five = key_of(kFar, 5, IPPROTO_TCP);
  CHECK(std::memcmp(&events[0].key, &five, sizeof five) == 0);
  CHECK(is_address(events[0].source, kPod));
  CHECK(events[0].packets == 1);
  CHECK(events[0].bytes == 40);
  CHECK(events[0].attempt == 1);
  CHECK(events[0].jiffies != 0);
  CHECK(is_address(events[2].source, kOther));
  CHECK(events[2].key.protocol == IPPROTO_UDP);
  CHECK(events[2].bytes == 78);
  CHECK(events[2].attempt == 0);

  // After the pressure the tuple is back.
  harness.forget_flows();
  harness.from_pod(syn(5));
  CHECK(harness.flow(kFar, 5, IPPROTO_TCP)->packets == 1);
}

TEST_CASE("a full ring behind a full table is a counted loss", "[accounting]") {
  Harness harness([](egress_bpf& object) {
    bpf_map__set_max_entries(object.maps.flows, 1);
    bpf_map__set_max_entries(object.maps.overflow, 4096);
  });
  for (std::uint16_t port = 1; port <= 200; ++port) harness.from_pod(syn(port));

  const std::uint64_t lost = harness.count(COUNT_RING_FULL);
  CHECK(lost > 0);
  CHECK(harness.count(COUNT_OVERFLOWED) == 199 - lost);
  CHECK(harness.overflowed().size() == 199 - lost);
  harness.from_pod(syn(200));
  CHECK(harness.count(COUNT_RING_FULL) == lost);
}

TEST_CASE("a tuple's packets from another source are counted apart", "[accounting]") {
  Harness harness;
  harness.from_pod(syn(443));
  for (int i = 0; i < 3; ++i) harness.from_pod(syn(443, kOther));
  harness.to_pod(syn_ack(443, kOther));
  harness.to_pod(syn_ack(443, "10.244.1.99"));

  CHECK(harness.flow(kFar, 443, IPPROTO_TCP)->packets == 1);
  CHECK(harness.flow(kFar, 443, IPPROTO_TCP)->attempts == 1);
  CHECK(harness.flow(kFar, 443, IPPROTO_TCP)->established == 0);
  const auto others = harness.other_sources();
  REQUIRE(others.size() == 1);
  CHECK(is_address(others[0].first.source, kOther));
  CHECK(is_source(others[0].second, kOther));
  CHECK(others[0].second.packets == 3);
  CHECK(others[0].second.bytes == 120);
  CHECK(others[0].second.attempts == 3);
  CHECK(others[0].second.established == 1);
}

TEST_CASE("other sources beyond their table are a counted loss", "[accounting]") {
  Harness harness(
      [](egress_bpf& object) { bpf_map__set_max_entries(object.maps.other_sources, 2); });
  harness.from_pod(syn(443));
  for (const char* source : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.3", "10.0.0.1"}) {
    harness.from_pod(syn(443, source));
  }

  CHECK(harness.other_sources().size() == 2);
  CHECK(harness.count(COUNT_OTHER_SOURCE_FULL) == 2);
  CHECK(harness.count(COUNT_RECORDED) == 4);
}

TEST_CASE("an interface has its number from the slot, else from the table, else none",
          "[accounting]") {
  Harness harness;
  harness.from_pod(syn(1));
  harness.name_interface(8, false, true);
  harness.from_pod(syn(1));
  CHECK(harness.flows().size() == 2);

  harness.name_interface(0);
  CHECK(harness.outcome(syn(1)) == COUNT_NO_INTERFACE);
  harness.to_pod(syn_ack(1));
  harness.to_pod(Packet().ethernet().ipv4(kFar, kPod).udp(1, 2).build());
  CHECK(harness.remembered() == 0);
  for (const FlowEntry& entry : harness.flows()) CHECK(entry.stats.established == 0);

  // A slot of another interface with the same low bits is not ours.
  const std::uint32_t number = Harness::kIfindex;
  const interface_slot foreign = {Harness::kIfindex + INTERFACE_SLOTS, 9};
  bpf_map_update_elem(bpf_map__fd(harness.object().maps.interface_slots), &number, &foreign, 0);
  CHECK(harness.outcome(syn(1)) == COUNT_NO_INTERFACE);
}

TEST_CASE("two CPUs that meet on new and known tuples lose nothing", "[accounting]") {
  Harness harness;
  constexpr std::uint16_t kTuples = 2000;
  constexpr int kThreads = 2;
  const int program = harness.program("from_pod");
  const auto send = [program](int cpu) {
    pin_to_cpu(cpu);
    for (std::uint16_t port = 1; port <= kTuples; ++port) {
      const Bytes frame = syn(port);
      __sk_buff context{};
      context.ifindex = Harness::kIfindex;
      LIBBPF_OPTS(bpf_test_run_opts, options);
      options.data_in = frame.data();
      options.data_size_in = static_cast<std::uint32_t>(frame.size());
      options.ctx_in = &context;
      options.ctx_size_in = sizeof context;
      options.repeat = 20;
      bpf_prog_test_run_opts(program, &options);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(send, i);
  }

  CHECK(harness.count(COUNT_SEEN) == std::uint64_t{kThreads} * kTuples * 20);
  CHECK(harness.count(COUNT_RECORDED) == harness.count(COUNT_SEEN));
  CHECK(harness.flows().size() == kTuples);
  for (const FlowEntry& entry : harness.flows()) {
    if (entry.stats.packets != kThreads * 20 || entry.stats.attempts != kThreads * 20) {
      FAIL("port " << ntohs(entry.key.destination_port) << ": " << entry.stats.packets);
    }
  }
}

TEST_CASE("times are jiffies that read_clock maps to the monotonic clock", "[accounting]") {
  Harness harness;
  timespec tick{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  const clock_reading before = harness.read_clock();
  harness.from_pod(syn(443));
  while (harness.read_clock().jiffies < before.jiffies + 20) std::this_thread::yield();
  harness.from_pod(syn(443));
  const clock_reading after = harness.read_clock();

  const auto flow = harness.flow(kFar, 443, IPPROTO_TCP);
  CHECK(flow->first_jiffies - static_cast<std::uint32_t>(before.jiffies) < 20);
  CHECK(flow->last_jiffies - flow->first_jiffies >= 18);
  CHECK(static_cast<std::uint32_t>(after.jiffies) - flow->last_jiffies < 1000);
  // The rate of the one in the other's unit is what clock_getres says, within two ticks.
  const std::uint64_t ticks = after.jiffies - before.jiffies;
  const std::uint64_t elapsed = after.monotonic_ns - before.monotonic_ns;
  const auto tick_ns = static_cast<std::uint64_t>(tick.tv_nsec);
  CHECK(elapsed < (ticks + 2) * tick_ns);
  CHECK(elapsed + 2 * tick_ns > ticks * tick_ns);
}

TEST_CASE("the verifier's work stays far below its limit", "[accounting]") {
  Harness harness;
  for (const char* name : {"from_pod", "to_pod"}) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    REQUIRE(bpf_obj_get_info_by_fd(harness.program(name), &info, &size) == 0);

    INFO(name);
    CHECK(info.verified_insns > 0);
    CHECK(info.verified_insns <= 20000);
  }
}

}  // namespace outflow::test
