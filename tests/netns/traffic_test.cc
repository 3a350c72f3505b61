// What real traffic looks like at the veth: how connects end, fragments, super-packets.
#include "tests/support/traffic.h"

#include <linux/ethtool.h>

#include <thread>

#include "tests/netns/world.h"
#include "tests/support/catch.h"
#include "tests/support/privileged.h"

using namespace outflow;
using namespace outflow::test;

namespace {

// How a tuple's openings ended, in words.
std::string ending(const FlowStats& stats) {
  std::string words = stats.attempts > 0 ? "tried" : "";
  if (stats.established > 0) words += ", answered";
  if (stats.refused > 0) words += ", refused";
  for (const std::string& flag : flag_names(stats.flags)) words += ", " + flag;
  return words;
}

// Every port at once: a kernel may have to retransmit before it believes an ICMP error.
std::map<std::uint16_t, Outcome> try_all(const Pod& pod,
                                         const std::map<std::uint16_t, std::string>& targets) {
  std::map<std::uint16_t, Outcome> outcomes;
  for (const auto& [port, to] : targets) outcomes[port] = Outcome::Answered;
  std::vector<std::jthread> threads;
  for (const auto& [port, to] : targets) {
    threads.emplace_back([&pod, &to = to, port = port, &outcome = outcomes[port]] {
      // The first retransmit of a SYN comes after a second.
      outcome = try_tcp(pod, to, port, std::chrono::milliseconds(1500));
    });
  }
  threads.clear();
  return outcomes;
}

}  // namespace

TEST_CASE("refused, filtered and dropped connects are seen and all differ from a working one",
          "[traffic]") {
  require_root();
  World world;
  const auto client = world.node.add_pod("caliclient", "10.244.0.2");
  const auto server = world.node.add_pod("caliserver", "10.244.0.3");
  const TcpServer listening(*server, 8080);
  const bool v6 = GENERATE(false, true);
  world.node.add_address(*client, "2001:db8:244::2");
  world.node.add_address(*server, "2001:db8:244::3");
  world.node.space.nft(R"(table inet filter {
    chain forward {
      type filter hook forward priority 0;
      tcp dport 8082 reject with icmpx admin-prohibited
      tcp dport 8083 reject with icmpx port-unreachable
      tcp dport 8084 drop
      tcp dport 8085 reject with tcp reset
    }
  })");
  world.start_agent();
  const std::string to = v6 ? "2001:db8:244::3" : "10.244.0.3";
  const std::string nowhere = v6 ? "2001:db8:ffff::9" : "203.0.113.9";

  const auto outcomes = try_all(
      *client,
      {{8080, to}, {8081, to}, {8082, to}, {8083, to}, {8084, to}, {8085, to}, {8086, nowhere}});
  REQUIRE(eventually([&] { return world.to_port(8086).refused > 0; }));
  REQUIRE(world.accounted());

  CHECK(outcomes.at(8080) == Outcome::Answered);
  CHECK(outcomes.at(8081) == Outcome::Refused);
  CHECK(outcomes.at(8084) == Outcome::Silence);
  CHECK(outcomes.at(8085) == Outcome::Refused);
  CHECK(ending(world.to_port(8080)) == "tried, answered");
  CHECK(ending(world.to_port(8081)) == "tried, refused");
  CHECK(ending(world.to_port(8082)) == "tried, refused, icmp-refused");
  CHECK(ending(world.to_port(8083)) == "tried, refused, icmp-refused");
  CHECK(ending(world.to_port(8084)) == "tried");
  CHECK(ending(world.to_port(8085)) == "tried, refused");
  CHECK(ending(world.to_port(8086)) == "tried, refused, icmp-refused");
  CHECK(world.to_port(8080).attempts == 1);
  CHECK(world.to_port(8081).attempts == 1);
  CHECK(world.to_port(8084).attempts >= 2);
  CHECK(world.tuples_of("caliclient").size() == 7);
  CHECK(world.tuples_of("caliserver").empty());
}

TEST_CASE("the fragments of a datagram are its tuple's first and skips, in both families",
          "[traffic]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.node.add_address(*pod, "2001:db8:244::2");
  world.start_agent();

  // At an MTU of 1,500 bytes, 4,000 are three fragments.
  send_datagrams(*pod, {.to = "192.0.2.10", .port = 7001, .count = 10, .size = 4000});
  send_datagrams(*pod, {.to = "2001:db8::10", .port = 7002, .count = 10, .size = 4000});
  send_datagrams(*pod, {.to = "192.0.2.10", .port = 7003, .count = 10, .size = 1400});

  REQUIRE(eventually([&] { return world.to_port(7003).packets == 10; }));
  REQUIRE(eventually([&] { return world.skipped("later_fragment") == 40; }));
  REQUIRE(world.accounted());
  CHECK(world.to_port(7001).packets == 10);
  CHECK((world.to_port(7001).flags & kFlowFragmented) != 0);
  CHECK(world.to_port(7002).packets == 10);
  CHECK((world.to_port(7002).flags & kFlowFragmented) != 0);
  CHECK((world.to_port(7003).flags & kFlowFragmented) == 0);
  CHECK(world.loss("malformed") == 0);
}

TEST_CASE("a bulk transfer's super-packets are counted as the packets that arrive", "[traffic]") {
  require_root();
  const std::string made_by = GENERATE("the sender", "GRO at our hook's interface");
  constexpr std::size_t kBytes = 16 << 20;
  World world;
  const auto client = world.node.add_pod("caliclient", "10.244.0.2");
  const auto server = world.node.add_pod("caliserver", "10.244.0.3");
  // Behind our hook every packet goes on alone, so that the receiver's kernel counts real ones.
  set_offload(world.node.space, "caliserver", ETHTOOL_STSO, false);
  set_offload(world.node.space, "caliserver", ETHTOOL_SGSO, false);
  if (made_by != "the sender") {
    set_offload(client->space, "eth0", ETHTOOL_STSO, false);
    set_offload(client->space, "eth0", ETHTOOL_SGSO, false);
    set_offload(world.node.space, "caliclient", ETHTOOL_SGRO, true);
  }
  world.start_agent();
  const std::uint64_t before = received_packets(server->space, "eth0");
  const std::uint64_t units_before = received_packets(world.node.space, "caliclient");

  transfer(*client, *server, 9000, kBytes);
  const std::uint64_t arrived = received_packets(server->space, "eth0") - before;
  const std::uint64_t units = received_packets(world.node.space, "caliclient") - units_before;

  INFO("super-packets made by " << made_by);
  REQUIRE(eventually([&] { return world.to_port(9000).bytes >= kBytes; }));
  REQUIRE(world.accounted());
  const FlowStats flow = world.to_port(9000, "caliclient");
  INFO(flow.packets << " counted, " << arrived << " arrived, in " << units << " units");
  CHECK(arrived >= kBytes / 1460);
  CHECK(flow.packets * 100 >= arrived * 99);
  CHECK(flow.packets * 100 <= arrived * 101);
  CHECK(flow.established == 1);
  CHECK(world.tuples_of("caliserver").empty());
  if (made_by == "the sender") CHECK(units * 4 < arrived);
}
