// Services as a node makes them: the veth sees the address the pod asked for, before the node
// rewrites it, and what comes back to a pod of its own asking is nobody's egress.
#include <fmt/format.h>

#include "tests/netns/world.h"
#include "tests/support/catch.h"
#include "tests/support/privileged.h"
#include "tests/support/traffic.h"

using namespace outflow;
using namespace outflow::test;

namespace {

std::set<std::string> names(const std::map<std::string, FlowStats>& tuples) {
  std::set<std::string> all;
  for (const auto& [name, stats] : tuples) all.insert(name);
  return all;
}

// Every way to the pod's 8080 and, by UDP, 5353: ClusterIP, NodePort, LoadBalancer address. A pod
// that reaches itself must be answered by the node, so it comes from the node's address.
void make_service(const World& world, const std::string& backend) {
  world.node.space.nft(fmt::format(R"(table ip service {{
    chain in {{
      type nat hook prerouting priority dstnat;
      ip daddr 10.96.0.20 tcp dport 80 dnat to {0}:8080
      ip daddr 10.96.0.20 udp dport 53 dnat to {0}:5353
      ip daddr 192.0.2.10 tcp dport 30080 dnat to {0}:8080
      ip daddr 203.0.113.80 tcp dport 443 dnat to {0}:8080
    }}
    chain out {{
      type nat hook postrouting priority srcnat;
      ip saddr {0} ip daddr {0} snat to 192.0.2.10
    }}
  }})",
                                   backend));
}

}  // namespace

TEST_CASE("a service is the tuple the pod asked for: ClusterIP, NodePort, LoadBalancer address",
          "[service]") {
  require_root();
  World world;
  const auto client = world.node.add_pod("caliclient", "10.244.0.2");
  const auto server = world.node.add_pod("caliserver", "10.244.0.3");
  const TcpServer listening(*server, 8080);
  const UdpEcho answering(*server, 5353);
  make_service(world, "10.244.0.3");
  world.start_agent();

  CHECK(try_tcp(*client, "10.96.0.20", 80) == Outcome::Answered);
  CHECK(ask_udp(*client, "10.96.0.20", 53));
  CHECK(try_tcp(*client, "192.0.2.10", 30080) == Outcome::Answered);
  CHECK(try_tcp(*client, "203.0.113.80", 443) == Outcome::Answered);
  REQUIRE(eventually([&] { return world.to_port(443).established == 1; }));
  REQUIRE(world.accounted());

  const auto asked = world.tuples_of("caliclient");
  CHECK(names(asked) == std::set<std::string>{"10.96.0.20 80 TCP", "10.96.0.20 53 UDP",
                                              "192.0.2.10 30080 TCP", "203.0.113.80 443 TCP"});
  for (const auto& [name, stats] : asked) {
    INFO(name);
    CHECK(stats.established == 1);
    CHECK(stats.refused == 0);
  }
  CHECK(world.tuples_of("caliserver").empty());
  CHECK(world.skipped("udp_reply") == 1);
}

TEST_CASE("where the pod itself chooses the backend, the tuple is the backend's", "[service]") {
  require_root();
  World world;
  const auto client = world.node.add_pod("caliclient", "10.244.0.2");
  const auto server = world.node.add_pod("caliserver", "10.244.0.3");
  const TcpServer listening(*server, 8080);
  // As a load balancer at connect() leaves it: rewritten before the packet is on the wire.
  client->space.nft(R"(table ip service {
    chain out {
      type nat hook output priority -100;
      ip daddr 10.96.0.20 tcp dport 80 dnat to 10.244.0.3:8080
    }
  })");
  world.start_agent();

  CHECK(try_tcp(*client, "10.96.0.20", 80) == Outcome::Answered);
  REQUIRE(eventually([&] { return world.to_port(8080).established == 1; }));
  REQUIRE(world.accounted());

  CHECK(names(world.tuples_of("caliclient")) == std::set<std::string>{"10.244.0.3 8080 TCP"});
  CHECK(world.tuples_of("caliserver").empty());
}

TEST_CASE("a pod that reaches itself through its service has that one tuple and none to the node",
          "[service]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const TcpServer listening(*pod, 8080);
  const UdpEcho answering(*pod, 5353);
  make_service(world, "10.244.0.2");
  world.start_agent();

  CHECK(try_tcp(*pod, "10.96.0.20", 80) == Outcome::Answered);
  CHECK(ask_udp(*pod, "10.96.0.20", 53));
  REQUIRE(eventually([&] { return world.to_port(53).established == 1; }));
  REQUIRE(eventually([&] { return world.to_port(80).established == 1; }));
  REQUIRE(world.accounted());

  const auto tuples = world.tuples_of("calipod");
  CHECK(names(tuples) == std::set<std::string>{"10.96.0.20 80 TCP", "10.96.0.20 53 UDP"});
  CHECK(tuples.at("10.96.0.20 80 TCP").attempts == 1);
  // Its own answers to what the node let come back.
  CHECK(world.skipped("tcp_unopened") >= 1);
  CHECK(world.skipped("udp_reply") == 1);
}
