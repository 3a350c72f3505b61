// Others on the same interface, and other agents of ours: everybody sees every packet, nobody's
// things are taken, and a change of agents loses none.
#include <sys/types.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/netns/neighbour.h"
#include "tests/netns/world.h"
#include "tests/support/catch.h"
#include "tests/support/privileged.h"
#include "tests/support/traffic.h"

using namespace outflow;
using namespace outflow::test;

namespace {

bool by_clsact() {
  const char* attach = std::getenv("OUTFLOW_TEST_ATTACH");  // NOLINT(concurrency-mt-unsafe)
  return attach != nullptr && std::string(attach) == "clsact";
}

// In front of or behind what is there, by the agent's own way. Of filters with the same priority
// the newest runs first: priority 1, as others take it, too, is no place behind which we could not
// see.
void attach(Neighbour& neighbour, const Node& node, const std::string& interface, bool at_head) {
  if (by_clsact()) {
    neighbour.attach_clsact(node, interface, at_head ? 1 : 100);
  } else {
    neighbour.attach_tcx(node, interface, at_head);
  }
}

bool packets_are(const World& world, std::uint16_t port, std::uint64_t count) {
  return eventually([&] { return world.to_port(port).packets == count; });
}

std::uint64_t all_losses(const World& world) {
  std::uint64_t sum = 0;
  for (const Report& report : world.collector->reports()) {
    for (const Counter& counter : report.losses) sum += counter.count;
  }
  return sum;
}

}  // namespace

TEST_CASE("programs before and after ours, and ours, are all shown every packet", "[coexist]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  Neighbour first("watches");
  Neighbour before_us("accepts");
  Neighbour last("accepts");
  attach(before_us, world.node, "calipod", true);  // there before the agent, and yet behind it
  world.start_agent();
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 20});
  REQUIRE(packets_are(world, 7001, 20));
  CHECK(before_us.shown() == 20);

  attach(first, world.node, "calipod", true);
  if (!by_clsact()) attach(last, world.node, "calipod", false);
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 20});

  REQUIRE(packets_are(world, 7001, 40));
  REQUIRE(world.accounted());
  CHECK(first.shown() == 20);
  CHECK(before_us.shown() == 40);
  CHECK(last.shown() == 0);  // behind one that accepts
  CHECK(all_losses(world) == world.loss("hook_displaced"));
}

TEST_CASE("whoever comes ahead of us does not stay there, and the time is told",
          "[coexist][modes]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent({"--attach=tcx"});
  Neighbour ahead("accepts");
  ahead.attach_tcx(world.node, "calipod", true);
  REQUIRE(eventually(
      [&] { return world.log().find("at the head of the chain again") != std::string::npos; }));
  REQUIRE(eventually([&] { return world.loss("hook_displaced") > 0; }));
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 20});

  INFO(world.log());
  CHECK(packets_are(world, 7001, 20));
  CHECK(world.accounted());
  CHECK(world.ids("calipod").size() == 1);
}

TEST_CASE("a program that redirects or drops every packet takes none from our sight", "[coexist]") {
  require_root();
  const std::string theirs = GENERATE("redirects", "drops");
  const bool there_first = GENERATE(true, false);
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto sink = world.node.add_pod("calisink", "10.244.0.3");
  Neighbour neighbour(theirs, world.node.index_of("calisink"));
  if (there_first) attach(neighbour, world.node, "calipod", true);
  world.start_agent();
  if (!there_first) attach(neighbour, world.node, "calipod", false);
  const std::uint64_t before = received_packets(sink->space, "eth0");

  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 20});

  INFO(theirs << (there_first ? ", there first" : ", there last"));
  REQUIRE(packets_are(world, 7001, 20));
  REQUIRE(world.accounted());
  CHECK(neighbour.shown() == 20);
  const std::uint64_t arrived = received_packets(sink->space, "eth0") - before;
  CHECK(arrived >= (theirs == "redirects" ? 20U : 0U));
  CHECK(world.tuples_of("calisink").empty());
  CHECK(all_losses(world) == 0);
}

TEST_CASE("a qdisc deleted under us costs tcx nothing, and clsact a gap that is told",
          "[coexist]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  Neighbour theirs("accepts");
  theirs.attach_clsact(world.node, "calipod", 100);
  world.start_agent();
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 3});
  REQUIRE(packets_are(world, 7001, 3));

  world.node.space.sh("tc qdisc del dev calipod clsact");
  if (by_clsact()) REQUIRE(eventually([&] { return world.loss("hook_removed") == 1; }));
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 4});

  REQUIRE(packets_are(world, 7001, 7));
  REQUIRE(world.accounted());
  CHECK(theirs.shown() == 3);
  CHECK(world.loss("hook_removed") == (by_clsact() ? 1 : 0));
}

TEST_CASE("their filter on a qdisc that we made stays, and so does the qdisc", "[coexist]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent();
  Neighbour theirs("accepts");
  theirs.attach_clsact(world.node, "calipod", 100);
  world.stop_agent();
  REQUIRE(world.run_agent({"--uninstall"}) == 0);

  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 5});

  CHECK(theirs.shown() == 5);
  world.node.space.sh("test $(tc filter show dev calipod ingress | grep -c direct-action) = 1");
}

TEST_CASE("agents that follow each other under traffic leave no packet unaccounted", "[coexist]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent();
  std::thread traffic([&] { send_udp(*pod, "192.0.2.1", 7001, 1'500); });
  for (int i = 0; i < 3; ++i) {
    world.stop_agent();
    world.start_agent();
  }
  traffic.join();

  REQUIRE(packets_are(world, 7001, 1'500));
  REQUIRE(world.accounted());
  CHECK(all_losses(world) == 0);
  CHECK(world.ids("calipod").size() == 1);
}

TEST_CASE("a qdisc that they put in place of ours is theirs, and stays", "[coexist]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent();
  world.pause_agent();
  world.node.space.sh(
      "tc qdisc del dev calipod clsact 2>/dev/null; tc qdisc add dev calipod clsact");
  world.resume_agent();
  if (by_clsact()) REQUIRE(eventually([&] { return world.loss("hook_removed") == 1; }));
  world.stop_agent();

  REQUIRE(world.run_agent({"--uninstall"}) == 0);

  world.node.space.sh("tc qdisc show dev calipod | grep -q clsact");
}

TEST_CASE("what an agent kept for a pod that went while none ran is let go", "[coexist]") {
  require_root();
  World world;
  const auto stays = world.node.add_pod("calistays", "10.244.0.2");
  const auto goes = world.node.add_pod("caligoes", "10.244.0.3");
  const auto count = [&world](const std::string& folder) {
    const std::filesystem::directory_iterator entries(world.bpffs() + folder);
    return std::distance(begin(entries), end(entries));
  };
  world.start_agent();
  const auto links = count("/links");
  const auto marks = count("/clsact");
  world.stop_agent();
  world.node.remove_pod(*goes);

  world.start_agent();

  CHECK(count("/links") == links / 2);
  CHECK(count("/clsact") == marks / 2);
  CHECK(world.rows("interfaces") == 1);
}

TEST_CASE("an agent that attaches the other way leaves no packet unaccounted", "[coexist][modes]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent({"--attach=tcx"});
  std::thread traffic([&] { send_udp(*pod, "192.0.2.1", 7001, 1'500); });
  for (const char* mode : {"clsact", "tcx", "clsact"}) {
    world.stop_agent();
    world.start_agent({std::string("--attach=") + mode});
  }
  traffic.join();
  REQUIRE(world.accounted());
  const bool all = world.to_port(7001).packets == 1'500;

  INFO(world.to_port(7001).packets << " of 1,500 packets, " << all_losses(world) << " losses");
  CHECK((all || all_losses(world) > 0));
  CHECK(world.ids("calipod").size() == 1);
}
