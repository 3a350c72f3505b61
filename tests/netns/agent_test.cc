// The agent as a process, on real veths with real traffic.
#include <bpf/bpf.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "tests/netns/world.h"
#include "tests/support/catch.h"
#include "tests/support/privileged.h"

using namespace outflow;
using namespace outflow::test;

namespace {

namespace fs = std::filesystem;

std::set<BootId> boots(const World& world) {
  std::set<BootId> found;
  for (const Report& report : world.collector->reports()) found.insert(report.boot);
  return found;
}

bool packets_are(const World& world, std::uint16_t port, std::uint64_t count) {
  return eventually([&] { return world.to_port(port).packets == count; });
}

}  // namespace

TEST_CASE("traffic between two pods of a node is seen once, at the pod that opened it", "[agent]") {
  require_root();
  World world;
  const auto client = world.node.add_pod("caliclient", "10.244.0.2");
  const auto server = world.node.add_pod("caliserver", "10.244.0.3");
  const TcpServer listening(*server, 8080);
  world.start_agent();

  REQUIRE(connect_tcp(*client, "10.244.0.3", 8080));
  send_udp(*client, "10.244.0.3", 5353, 7);

  REQUIRE(packets_are(world, 5353, 7));
  REQUIRE(eventually([&] { return world.to_port(8080).established == 1; }));
  CHECK(world.to_port(8080, "caliclient").attempts == 1);
  for (const Report& report : world.collector->reports()) {
    for (const Interface& known : report.interfaces) {
      CHECK(known.addresses.size() == 1);
    }
    for (const Flow& flow : report.flows) CHECK(flow.key.destination.to_string() == "10.244.0.3");
    CHECK(report.losses.empty());
  }
}

TEST_CASE("only veths whose peer is elsewhere and whose name matches are hooked", "[agent]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto other = world.node.add_pod("lxcother", "10.244.0.3");
  world.node.space.sh("ip link add calilocal type veth peer name calipeer");
  world.start_agent();

  send_udp(*other, "10.244.0.2", 7000, 1);
  send_udp(*pod, "10.244.0.3", 7001, 1);

  REQUIRE(packets_are(world, 7001, 1));
  CHECK(world.to_port(7000).packets == 0);
  CHECK(world.ids("calipod").size() == 1);
  CHECK(world.ids("lxcother").empty());
  CHECK(world.ids("calilocal").empty());
}

TEST_CASE("a pod made while the agent runs is seen from its first packet", "[agent]") {
  require_root();
  World world;
  const auto server = world.node.add_pod("caliserver", "10.244.0.3");
  const TcpServer listening(*server, 8080);
  world.start_agent();

  const auto pod = world.node.add_pod("calinew", "10.244.0.4");
  REQUIRE(connect_tcp(*pod, "10.244.0.3", 8080));
  const auto moved = world.node.add_pod_by_moving("calimoved", "10.244.0.5");
  REQUIRE(connect_tcp(*moved, "10.244.0.3", 8080));

  REQUIRE(eventually([&] { return world.to_port(8080).established == 2; }));
  CHECK(world.to_port(8080, "calinew").attempts == 1);
  CHECK(world.to_port(8080, "calimoved").attempts == 1);
}

TEST_CASE("a hook that somebody takes away comes back, and the gap is told", "[agent][modes]") {
  require_root();
  const std::string mode = GENERATE("tcx", "clsact");
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent({"--attach=" + mode});
  send_udp(*pod, "192.0.2.1", 7001, 3);
  REQUIRE(packets_are(world, 7001, 3));

  if (mode == "clsact") {
    world.node.space.sh("tc qdisc del dev calipod clsact");
  } else {
    for (const auto& entry : fs::directory_iterator(world.bpffs() + "/links")) {
      const Fd link(bpf_obj_get(entry.path().c_str()));
      REQUIRE(bpf_link_detach(link.get()) == 0);
    }
  }

  REQUIRE(eventually([&] { return world.loss("hook_removed") == 1; }));
  send_udp(*pod, "192.0.2.1", 7002, 4);
  REQUIRE(packets_are(world, 7002, 4));
  CHECK(world.ids("calipod").size() == 2);  // with both hooks gone, nothing proves it is the same
}

TEST_CASE("the next pod with the same interface index has a number of its own", "[agent]") {
  require_root();
  const bool while_stopped = GENERATE(false, true);
  World world;
  auto first = world.node.add_pod("califirst", "10.244.0.2", 77);
  world.start_agent();
  send_udp(*first, "192.0.2.1", 7001, 5);
  REQUIRE(packets_are(world, 7001, 5));

  if (while_stopped) {
    world.stop_agent();
    send_udp(*first, "192.0.2.1", 7001, 2);
  }
  world.node.remove_pod(*first);
  const auto second = world.node.add_pod("calisecond", "10.244.0.3", 77);
  if (while_stopped) world.start_agent();
  REQUIRE(world.node.index_of("calisecond") == 77);
  send_udp(*second, "192.0.2.1", 7001, 9);

  REQUIRE(packets_are(world, 7001, while_stopped ? 16 : 14));
  CHECK(world.to_port(7001, "califirst").packets == (while_stopped ? 7U : 5U));
  CHECK(world.to_port(7001, "calisecond").packets == 9);
  // What the departed one counted has left the table.
  CHECK(eventually([&] { return world.tuples() == 1; }));
}

TEST_CASE("an agent killed again and again under traffic counts every packet once", "[agent]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  std::minstd_rand random(20260518);
  world.start_agent();
  std::thread traffic([&] { send_udp(*pod, "192.0.2.1", 7001, 3'000); });

  for (int i = 0; i < 4; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200 + random() % 500));
    world.kill_agent();
    world.start_agent();
  }
  traffic.join();

  REQUIRE(packets_are(world, 7001, 3'000));
  CHECK(boots(world).size() == 1);
  CHECK(world.to_port(7001).bytes == 3'000 * 32);
}

TEST_CASE("a stopped agent's hooks go on counting, and the next one goes on", "[agent]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent({"--report-interval=1h"});
  send_udp(*pod, "192.0.2.1", 7001, 3);
  world.stop_agent();
  CHECK(world.to_port(7001).packets == 3);  // sent with the farewell

  send_udp(*pod, "192.0.2.1", 7001, 4);
  world.start_agent();

  REQUIRE(packets_are(world, 7001, 7));
  const auto reports = world.collector->reports();
  CHECK(boots(world).size() == 1);
  CHECK(world.ids("calipod").size() == 1);
  for (std::size_t i = 1; i < reports.size(); ++i) {
    CHECK(reports[i].sequence == reports[i - 1].sequence + 1);
    CHECK(reports[i].interval.start == reports[i - 1].interval.end);
  }
}

TEST_CASE("an aggregator away delays flows and loses none", "[agent]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.collector.reset();
  world.start_agent();
  send_udp(*pod, "192.0.2.1", 7001, 300);
  world.kill_agent();
  send_udp(*pod, "192.0.2.1", 7001, 300);
  world.start_agent();
  send_udp(*pod, "192.0.2.1", 7001, 300);

  world.collector = std::make_unique<Collector>(world.dir / "aggregator");

  const bool all = packets_are(world, 7001, 900);
  INFO(world.to_port(7001).packets << " packets\n" << world.log());
  REQUIRE(all);
}

TEST_CASE("another room for tuples is another boot, and nothing is lost between", "[agent]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent();
  send_udp(*pod, "192.0.2.1", 7001, 3);
  world.stop_agent();
  send_udp(*pod, "192.0.2.1", 7001, 4);  // only the old tables know

  world.start_agent({"--tuples-max=1000"});
  send_udp(*pod, "192.0.2.1", 7001, 5);

  REQUIRE(packets_are(world, 7001, 12));
  CHECK(boots(world).size() == 2);
  CHECK(world.loss("state_lost") == 0);
}

TEST_CASE("tables without their state begin anew, and say that something is lost", "[agent]") {
  require_root();
  const bool removed = GENERATE(true, false);
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent();
  send_udp(*pod, "192.0.2.1", 7001, 3);
  REQUIRE(packets_are(world, 7001, 3));
  world.stop_agent();
  if (removed) {
    fs::remove(world.state_file());
  } else {
    std::ofstream(world.state_file(), std::ios::app) << "spoiled";
  }

  world.start_agent();
  send_udp(*pod, "192.0.2.1", 7001, 4);

  REQUIRE(packets_are(world, 7001, 7));
  CHECK(boots(world).size() == 2);
  CHECK(world.loss("state_lost") == 1);
}

TEST_CASE("more tuples than there is room for travel by the ring, or are told as lost", "[agent]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent({"--tuples-max=10"});
  for (std::uint16_t port = 8000; port < 8200; ++port) send_udp(*pod, "192.0.2.1", port, 1);

  std::uint64_t packets = 0;
  std::uint64_t overflowed = 0;
  REQUIRE(eventually([&] {
    packets = overflowed = 0;
    for (std::uint16_t port = 8000; port < 8200; ++port) {
      const FlowStats flow = world.to_port(port);
      packets += flow.packets;
      overflowed += (flow.flags & kFlowOverflow) != 0 ? 1 : 0;
    }
    return packets == 200;
  }));
  CHECK(overflowed >= 180);
  CHECK(world.loss("ring_full") == 0);
}

TEST_CASE("it takes no more than the documented capabilities", "[agent]") {
  require_root();
  World world;
  world.limit_capabilities();
  const auto older = world.node.add_pod("caliolder", "10.244.0.2");
  world.start_agent();
  const auto pod = world.node.add_pod("caliyounger", "10.244.0.3");
  REQUIRE(eventually([&] { return world.ids("caliyounger").size() == 1; }));
  send_udp(*pod, "192.0.2.1", 7001, 7);
  send_udp(*older, "192.0.2.1", 7001, 3);
  REQUIRE(packets_are(world, 7001, 10));
  world.stop_agent();
  world.start_agent();
  send_udp(*pod, "192.0.2.1", 7001, 5);

  CHECK(packets_are(world, 7001, 15));
  CHECK(world.accounted());
  CHECK(world.ids("caliyounger").size() == 1);
  CHECK(world.loss("hook_removed") == 0);
}

TEST_CASE("a second agent is refused", "[agent]") {
  require_root();
  World world;
  world.start_agent();

  CHECK(world.run_agent({}) == 1);
  CHECK(world.run_agent({"--uninstall"}) == 1);
  CHECK(world.log().find("in use by another outflow-agent") != std::string::npos);
}

TEST_CASE("uninstalling leaves nothing of ours and everything of theirs", "[agent][modes]") {
  require_root();
  const std::string mode = GENERATE("tcx", "clsact");
  World world;
  const auto ours = world.node.add_pod("caliours", "10.244.0.2");
  const auto theirs = world.node.add_pod("calitheirs", "10.244.0.3");
  world.node.space.sh("tc qdisc add dev calitheirs clsact");
  world.start_agent({"--attach=" + mode});
  world.stop_agent();

  CHECK(world.run_agent({"--uninstall"}) == 0);

  CHECK_FALSE(fs::exists(world.bpffs()));
  CHECK_FALSE(fs::exists(world.dir / "state"));
  world.node.space.sh("! tc qdisc show dev caliours | grep -q clsact");
  world.node.space.sh("tc qdisc show dev calitheirs | grep -q clsact");
  world.node.space.sh("test -z \"$(tc filter show dev calitheirs ingress)\"");
}
