// More than there is room for: what the table and the ring cannot hold is told, to the packet, and
// a tuple that went missing is back when there is room again.
#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <thread>

#include "tests/netns/world.h"
#include "tests/support/catch.h"
#include "tests/support/privileged.h"
#include "tests/support/traffic.h"

using namespace outflow;
using namespace outflow::test;

namespace {

constexpr std::uint16_t kFirstPort = 10'000;
constexpr const char* kFewTuples = "--tuples-max=16";

// One datagram to each of `count` ports: as many tuples.
void spray(const Pod& pod, int count, std::uint16_t first = kFirstPort) {
  send_datagrams(pod, {.to = "192.0.2.1", .port = first, .count = count, .ports_up = true});
}

// Bytes that wait in the overflow ring: what its two positions, which the kernel shares, differ by.
std::uint64_t waiting_bytes(const World& world) {
  const Fd ring(bpf_obj_get((world.bpffs() + "/maps/overflow").c_str()));
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* shared = mmap(nullptr, 2 * page, PROT_READ, MAP_SHARED, ring.get(), 0);
  REQUIRE(shared != MAP_FAILED);
  const auto position = [&](std::size_t at) {
    return __atomic_load_n(reinterpret_cast<std::uint64_t*>(static_cast<std::byte*>(shared) + at),
                           __ATOMIC_ACQUIRE);
  };
  const std::uint64_t consumed = position(0);
  const std::uint64_t waiting = position(page) - consumed;
  munmap(shared, 2 * page);
  return waiting;
}

std::uint64_t reported(const World& world) {
  std::uint64_t packets = 0;
  for (const auto& [name, stats] : world.tuples_of("calipod")) packets += stats.packets;
  return packets;
}

}  // namespace

TEST_CASE("a drain that stood still loses what the ring cannot hold, and tells every packet",
          "[pressure]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent({kFewTuples});
  constexpr int kTuples = 8'000;  // the ring holds about half

  world.pause_agent();
  spray(*pod, kTuples);
  world.resume_agent();

  REQUIRE(eventually([&] { return world.loss("ring_full") > 0; }));
  REQUIRE(world.accounted());
  CHECK(reported(world) + world.loss("ring_full") == kTuples);
  CHECK(world.tuples_of("calipod").size() + world.loss("ring_full") == kTuples);

  // The last one was lost; asked for again, it is there, and nothing more is lost.
  const std::uint64_t lost = world.loss("ring_full");
  constexpr std::uint16_t kLast = kFirstPort + kTuples - 1;
  CHECK(world.to_port(kLast).packets == 0);
  spray(*pod, 1, kLast);
  REQUIRE(eventually([&] { return world.to_port(kLast).packets == 1; }));
  CHECK((world.to_port(kLast).flags & kFlowOverflow) != 0);
  CHECK(world.loss("ring_full") == lost);
}

TEST_CASE("a full table has room again once a pod has gone", "[pressure]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto other = world.node.add_pod("caliother", "10.244.0.3");
  world.start_agent({kFewTuples});
  spray(*other, 16);
  spray(*pod, 1);
  REQUIRE(eventually(
      [&] { return (world.to_port(kFirstPort, "calipod").flags & kFlowOverflow) != 0; }));

  world.node.remove_pod(*other);
  REQUIRE(eventually([&] { return world.tuples() == 0; }));
  spray(*pod, 3, kFirstPort + 1);

  REQUIRE(eventually([&] { return world.tuples() == 3; }));
  REQUIRE(world.accounted());
  CHECK((world.to_port(kFirstPort + 1, "calipod").flags & kFlowOverflow) == 0);
  CHECK(world.loss("ring_full") == 0);
}

TEST_CASE("records that an agent took and did not live to report are told as lost", "[pressure]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent({kFewTuples, "--report-interval=1h"});
  spray(*pod, 1'000);
  REQUIRE(eventually([&] { return waiting_bytes(world) == 0; }));
  world.kill_agent();
  spray(*pod, 1'000);
  REQUIRE(waiting_bytes(world) > 0);  // these nobody took

  world.start_agent({kFewTuples});

  REQUIRE(eventually([&] { return world.loss("overflow_unread") > 0; }));
  REQUIRE(world.accounted());
  CHECK(world.loss("overflow_unread") == 1'000 - 16);
  CHECK(world.loss("ring_full") == 0);
  CHECK(reported(world) == 1'000 + 16);
  CHECK(world.tuples_of("calipod").size() == 1'000);
}

TEST_CASE("an agent killed while it drains a full ring leaves no packet unaccounted",
          "[pressure]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const unsigned seed = std::random_device{}();
  std::minstd_rand random(seed);
  world.start_agent({kFewTuples});
  constexpr int kTuples = 2'000;
  constexpr int kKills = 5;

  // Each drain begins within 100 ms; some of these kills fall before it, into it, or behind it.
  for (int i = 0; i < kKills; ++i) {
    spray(*pod, kTuples, static_cast<std::uint16_t>(kFirstPort + i * kTuples));
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 250));
    world.kill_agent();
    world.start_agent({kFewTuples});
  }

  INFO("seed " << seed);
  REQUIRE(world.accounted());
  const std::uint64_t lost = world.loss("ring_full") + world.loss("overflow_unread");
  CHECK(reported(world) + lost == std::uint64_t{kKills} * kTuples);
}
