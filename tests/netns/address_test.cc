// Whose packets are whose when addresses are shared, many, claimed or used again.
#include "tests/netns/world.h"
#include "tests/support/catch.h"
#include "tests/support/privileged.h"
#include "tests/support/traffic.h"

using namespace outflow;
using namespace outflow::test;

namespace {

// Flows to the port by source address, and whether they are kept apart as another source's.
std::map<std::string, std::pair<std::uint64_t, bool>> sources(const World& world,
                                                              std::uint16_t port) {
  std::map<std::string, std::pair<std::uint64_t, bool>> found;
  for (const Report& report : world.collector->reports()) {
    for (const Flow& flow : report.flows) {
      if (flow.key.destination_port != port) continue;
      auto& [packets, other] = found[flow.source.to_string()];
      packets += flow.stats.packets;
      other = (flow.stats.flags & kFlowOtherSource) != 0;
    }
  }
  return found;
}

bool packets_are(const World& world, std::uint16_t port, std::uint64_t count) {
  return eventually([&] { return world.to_port(port).packets == count; });
}

}  // namespace

TEST_CASE("one address on two interfaces is two pods' packets, each its own", "[address]") {
  require_root();
  World world;
  const auto one = world.node.add_pod("calione", "10.244.0.2");
  const auto two = world.node.add_pod("calitwo", "10.244.0.3");
  world.node.add_address(*two, "10.244.0.2");
  world.start_agent();

  send_datagrams(*one, {.to = "192.0.2.1", .port = 7001, .count = 3, .source = "10.244.0.2"});
  send_datagrams(*two, {.to = "192.0.2.1", .port = 7001, .count = 5, .source = "10.244.0.2"});

  REQUIRE(packets_are(world, 7001, 8));
  REQUIRE(world.accounted());
  CHECK(world.to_port(7001, "calione").packets == 3);
  CHECK(world.to_port(7001, "calitwo").packets == 5);
  CHECK(world.addresses("calione") == std::set<std::string>{"10.244.0.2"});
  CHECK(world.addresses("calitwo") == std::set<std::string>{"10.244.0.2", "10.244.0.3"});
}

TEST_CASE("every address of an interface is told, and each source of a tuple counted apart",
          "[address]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.node.add_address(*pod, "10.244.0.7");
  world.node.add_address(*pod, "2001:db8:244::2");
  world.node.add_address(*pod, "2001:db8:244::7");
  world.start_agent();

  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 3, .source = "10.244.0.2"});
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 4, .source = "10.244.0.7"});
  send_datagrams(*pod,
                 {.to = "2001:db8::1", .port = 7002, .count = 5, .source = "2001:db8:244::7"});
  send_datagrams(*pod,
                 {.to = "2001:db8::1", .port = 7002, .count = 6, .source = "2001:db8:244::2"});

  REQUIRE(packets_are(world, 7001, 7));
  REQUIRE(packets_are(world, 7002, 11));
  REQUIRE(world.accounted());
  CHECK(world.addresses("calipod") ==
        std::set<std::string>{"10.244.0.2", "10.244.0.7", "2001:db8:244::2", "2001:db8:244::7"});
  using Sources = std::map<std::string, std::pair<std::uint64_t, bool>>;
  CHECK(sources(world, 7001) == Sources{{"10.244.0.2", {3, false}}, {"10.244.0.7", {4, true}}});
  CHECK(sources(world, 7002) ==
        Sources{{"2001:db8:244::7", {5, false}}, {"2001:db8:244::2", {6, true}}});
}

TEST_CASE("a source that is not the pod's own is counted, apart, and never its address",
          "[address]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto other = world.node.add_pod("caliother", "10.244.0.3");
  pod->space.sh("ip addr add 10.244.0.3/32 dev eth0");  // somebody else's
  world.start_agent();

  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 3, .source = "10.244.0.2"});
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 4, .source = "10.244.0.3"});
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7002, .count = 2, .source = "10.244.0.3"});

  REQUIRE(packets_are(world, 7001, 7));
  REQUIRE(packets_are(world, 7002, 2));
  REQUIRE(world.accounted());
  CHECK(world.addresses("calipod") == std::set<std::string>{"10.244.0.2"});
  CHECK(world.to_port(7001, "caliother").packets == 0);
  CHECK(sources(world, 7001).at("10.244.0.3") == std::pair<std::uint64_t, bool>{4, true});
  // A tuple's first source is what its packets claim, whatever the node thinks.
  CHECK(sources(world, 7002).at("10.244.0.3") == std::pair<std::uint64_t, bool>{2, false});
}

TEST_CASE("name, index and address used again within a second are another pod's", "[address]") {
  require_root();
  World world;
  auto pod = world.node.add_pod("calipod", "10.244.0.2", 77);
  world.start_agent();
  constexpr std::uint64_t kLives = 4;
  for (std::uint64_t life = 1; life <= kLives; ++life) {
    REQUIRE(eventually([&] { return world.times_hooked() == life; }));
    send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = static_cast<int>(life)});
    if (life == kLives) break;
    const auto start = std::chrono::steady_clock::now();
    world.node.remove_pod(*pod);
    pod = world.node.add_pod("calipod", "10.244.0.2", 77);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
  }

  REQUIRE(packets_are(world, 7001, 1 + 2 + 3 + 4));
  REQUIRE(world.accounted());
  CHECK(world.ids("calipod").size() == kLives);
  std::map<std::uint64_t, std::uint64_t> packets;
  for (const Report& report : world.collector->reports()) {
    for (const Flow& flow : report.flows) packets[flow.key.interface_id] += flow.stats.packets;
  }
  std::uint64_t life = 0;
  for (const auto& [id, count] : packets) CHECK(count == ++life);  // ids only ever grow
  CHECK(eventually([&] { return world.tuples() == 1 && world.rows("interfaces") == 1; }));
}
