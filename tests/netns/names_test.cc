// What DNS tells a pod through its veth comes out of the agent as a name, before or beside the
// flow that used it.
#include "tests/netns/world.h"
#include "tests/support/catch.h"
#include "tests/support/dns.h"
#include "tests/support/privileged.h"
#include "tests/support/traffic.h"

using namespace outflow;
using namespace outflow::test;

namespace {

constexpr const char* kResolver = "10.244.0.53";

struct Seen {
  NameAnswer answer;
  std::uint64_t sequence = 0;
};

std::vector<Seen> answers(const World& world) {
  std::vector<Seen> all;
  for (const Report& report : world.collector->reports()) {
    for (const NameAnswer& answer : report.answers) all.push_back({answer, report.sequence});
  }
  return all;
}

std::uint64_t messages(const World& world) {
  std::uint64_t sum = 0;
  for (const Seen& seen : answers(world)) sum += seen.answer.answers;
  return sum;
}

}  // namespace

TEST_CASE("an answer that came before a connection is reported with it or earlier", "[names]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto resolver = world.node.add_pod("caliresolver", kResolver);
  const UdpEcho dns(*resolver, 53);
  const TcpServer listening(*resolver, 443);
  world.start_agent();
  const TimePoint before = SystemClock().now();

  // What is sent is an answer already, and the echo gives it back.
  REQUIRE(echo_udp(*pod, kResolver, 53,
                   DnsAnswer("api.example.com", kDnsA)
                       .alias("api.example.com", 300, "lb.example.net")
                       .address("lb.example.net", 30, kResolver)
                       .edns()
                       .octets()));
  REQUIRE(connect_tcp(*pod, kResolver, 443));

  REQUIRE(eventually([&] { return world.to_port(443).established == 1; }));
  const auto seen = answers(world);
  REQUIRE(seen.size() == 1);
  const NameAnswer& answer = seen[0].answer;
  CHECK(world.ids("calipod").contains(answer.interface_id));
  CHECK(answer.name == "api.example.com");
  CHECK(answer.target == "lb.example.net");
  CHECK(answer.address.to_string() == kResolver);
  CHECK(answer.resolver.to_string() == kResolver);
  CHECK(answer.ttl_s == 30);
  CHECK(answer.flags == 0);
  CHECK(answer.answers == 1);
  CHECK(answer.first_answered > before - std::chrono::milliseconds(100));
  CHECK(answer.last_answered < SystemClock().now());
  for (const Report& report : world.collector->reports()) {
    CHECK(report.reads_names);
    for (const Flow& flow : report.flows) {
      if (flow.key.destination_port == 443) CHECK(report.sequence >= seen[0].sequence);
    }
  }
}

TEST_CASE("what search lists ask in vain is counted and is no name", "[names]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto resolver = world.node.add_pod("caliresolver", kResolver);
  const UdpEcho dns(*resolver, 53);
  world.start_agent();

  REQUIRE(echo_udp(*pod, kResolver, 53,
                   DnsAnswer("example.com.shop.svc.cluster.local", kDnsA).rcode(3).octets()));
  REQUIRE(echo_udp(*pod, kResolver, 53, DnsAnswer("example.com", kDnsAaaa).octets()));
  REQUIRE(
      echo_udp(*pod, kResolver, 53,
               DnsAnswer("example.com", kDnsA).address("example.com", 5, "192.0.2.7").octets()));

  REQUIRE(eventually([&] { return messages(world) == 1; }));
  CHECK(eventually([&] { return world.skipped("dns_no_name") == 1; }));
  CHECK(world.skipped("dns_no_address") == 1);
  CHECK(world.skipped("dns_unparsed") == 0);
}

TEST_CASE("answers that came while no agent ran are read by the next one", "[names]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto resolver = world.node.add_pod("caliresolver", kResolver);
  const UdpEcho dns(*resolver, 53);
  world.start_agent();
  world.stop_agent();

  REQUIRE(
      echo_udp(*pod, kResolver, 53,
               DnsAnswer("example.com", kDnsA).address("example.com", 5, "192.0.2.7").octets()));
  world.start_agent();

  CHECK(eventually([&] { return messages(world) == 1; }));
}

TEST_CASE("answers over TCP come out of their stream", "[names]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto resolver = world.node.add_pod("caliresolver", kResolver);
  world.start_agent();
  DnsAnswer large("many.example.com", kDnsA);
  for (int i = 0; i < 200; ++i) {
    large.address("many.example.com", 60, "198.51.100." + std::to_string(i));
  }
  Octets stream = large.framed();
  const Octets second = DnsAnswer("b.example", kDnsA).address("b.example", 1, "192.0.2.7").framed();
  stream.insert(stream.end(), second.begin(), second.end());

  REQUIRE(fetch_tcp(*pod, *resolver, 53, stream));

  REQUIRE(eventually([&] { return answers(world).size() == 201; }));
  for (const Seen& seen : answers(world)) CHECK(seen.answer.flags == kNameTcp);
  CHECK(world.skipped("dns_stream_gap") == 0);
  CHECK(world.skipped("dns_unreadable") == 0);
}

TEST_CASE("without names the reports say that nobody read any", "[names]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto resolver = world.node.add_pod("caliresolver", kResolver);
  const UdpEcho dns(*resolver, 53);
  world.start_agent({"--dns-names=off"});

  REQUIRE(
      echo_udp(*pod, kResolver, 53,
               DnsAnswer("example.com", kDnsA).address("example.com", 5, "192.0.2.7").octets()));

  REQUIRE(eventually([&] { return world.skipped("dns_unparsed") == 1; }));
  CHECK(answers(world).empty());
  for (const Report& report : world.collector->reports()) CHECK_FALSE(report.reads_names);
}
