// What a pod says itself through its veth, on real sockets, comes out of the agent as a name.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "tests/netns/world.h"
#include "tests/support/catch.h"
#include "tests/support/hello.h"
#include "tests/support/privileged.h"
#include "tests/support/traffic.h"

using namespace outflow;
using namespace outflow::test;

namespace {

constexpr const char* kServer = "10.244.0.9";

std::vector<SaidName> said(const World& world) {
  std::vector<SaidName> all;
  for (const Report& report : world.collector->reports()) {
    all.insert(all.end(), report.said.begin(), report.said.end());
  }
  return all;
}

bool has_said(const World& world, const std::string& name, std::uint16_t port,
              std::uint32_t flags = 0) {
  const std::vector<SaidName> all = said(world);
  return std::any_of(all.begin(), all.end(), [&](const SaidName& one) {
    return one.name == name && one.destination_port == port && one.flags == flags &&
           one.destination.to_string() == kServer;
  });
}

// Opens a connection, and sends each part by a call of its own, in a segment of its own.
void say(const Pod& pod, std::uint16_t port, const std::vector<HelloBytes>& parts) {
  pod.space.run([&] {
    const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    inet_pton(AF_INET, kServer, &to.sin_addr);
    const auto* generic = reinterpret_cast<const sockaddr*>(&to);
    if (connect(fd.get(), generic, sizeof to) != 0) throw std::runtime_error("connect");
    for (const HelloBytes& part : parts) {
      if (send(fd.get(), part.data(), part.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(part.size())) {
        throw std::runtime_error("send");
      }
    }
  });
}

std::vector<HelloBytes> split(const HelloBytes& all, const std::vector<std::size_t>& at) {
  std::vector<HelloBytes> parts;
  std::size_t begin = 0;
  for (const std::size_t end : at) {
    parts.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(begin),
                       all.begin() + static_cast<std::ptrdiff_t>(end));
    begin = end;
  }
  parts.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(begin), all.end());
  return parts;
}

HelloBytes bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("server names and Hosts of a pod are reported, with whom it said them to", "[said]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto server = world.node.add_pod("caliserver", kServer);
  const TcpServer tls(*server, 8443);
  const TcpServer http(*server, 80);
  world.start_agent();
  const TimePoint before = SystemClock().now();

  say(*pod, 8443, {make_hello("api.Example.com")});
  say(*pod, 8443, {make_hello("api.example.com")});
  say(*pod, 80, {bytes_of("GET / HTTP/1.1\r\nHost: www.example.net\r\n\r\n")});

  REQUIRE(eventually([&] { return has_said(world, "www.example.net", 80, kSaidHost); }));
  REQUIRE(has_said(world, "api.example.com", 8443));
  std::uint64_t hellos = 0;
  for (const SaidName& one : said(world)) {
    CHECK(world.ids("calipod").contains(one.interface_id));
    CHECK(one.first_said > before - std::chrono::milliseconds(100));
    CHECK(one.last_said < SystemClock().now());
    if (one.destination_port == 8443) hellos += one.count;
  }
  CHECK(hellos == 2);
  CHECK(world.accounted());
}

TEST_CASE("a hello is read however it is split into segments, and in one of 64 KiB", "[said]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto server = world.node.add_pod("caliserver", kServer);
  const TcpServer listening(*server, 443);
  world.start_agent();

  say(*pod, 443, split(make_hello("two.example.com"), {100}));
  say(*pod, 443, split(make_hello("three.example.com"), {6, 200}));
  // A post-quantum key share and more: longer than a part of the ring, in one super-packet.
  say(*pod, 443,
      {with_extension(make_hello("long.example.com"), kExtensionPadding, HelloBytes(5'000))});
  HelloBytes and_data = make_hello("early.example.com");
  and_data.resize(and_data.size() + 60'000, 0x17);
  say(*pod, 443, {and_data});

  for (const char* name :
       {"two.example.com", "three.example.com", "long.example.com", "early.example.com"}) {
    INFO(name);
    CHECK(eventually([&] { return has_said(world, name, 443); }));
  }
  CHECK(world.skipped("said_unreadable") == 0);
  CHECK(world.skipped("said_stream_gap") == 0);
}

TEST_CASE("what real clients say is read, and that they say no name", "[said]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto server = world.node.add_pod("caliserver", kServer);
  world.start_agent();
  const std::string folder = world.dir / "tls";
  server->space.sh("mkdir " + folder + " && cd " + folder +
                   " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                   "-keyout key -out cert -subj /CN=real.example.com -days 1 2>/dev/null");
  // Two connections and it ends.
  server->space.sh("cd " + folder + " && openssl s_server -accept 443 -naccept 2 -key key -cert " +
                   "cert -www >/dev/null 2>&1 & for i in $(seq 500); do test -n \"$(ss -ltnH sport "
                   "= :443)\" && break; sleep 0.01; done");

  pod->space.sh(std::string("curl -sk --connect-to ::") + kServer +
                ":443 https://real.example.com/ >/dev/null");
  pod->space.sh(std::string("curl -sk https://") + kServer + "/ >/dev/null");

  CHECK(eventually([&] { return has_said(world, "real.example.com", 443); }));
  CHECK(eventually([&] { return has_said(world, "", 443); }));
}

TEST_CASE("with --tls-names off nothing that pods say is read", "[said]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto server = world.node.add_pod("caliserver", kServer);
  const TcpServer listening(*server, 443);
  world.start_agent({"--tls-names=off"});

  say(*pod, 443, {make_hello("api.example.com")});
  // What comes later is reported, so what came before it was.
  send_udp(*pod, kServer, 7001, 1);

  REQUIRE(eventually([&] { return world.to_port(7001).packets == 1; }));
  CHECK(said(world).empty());
  CHECK(world.to_port(443).established == 1);
}

TEST_CASE("a tuple that begins with QUIC says so", "[said]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const auto server = world.node.add_pod("caliserver", kServer);
  const UdpEcho echo(*server, 443);
  const UdpEcho other(*server, 444);
  world.start_agent();
  std::vector<std::uint8_t> initial(1'200);
  initial[0] = 0xc3;
  initial[4] = 1;  // QUIC version 1

  REQUIRE(echo_udp(*pod, kServer, 443, initial));
  initial[4] = 9;  // nobody's
  REQUIRE(echo_udp(*pod, kServer, 444, initial));

  REQUIRE(eventually([&] { return world.to_port(444).packets == 1; }));
  CHECK(world.to_port(443).flags == kFlowQuic);
  CHECK(world.to_port(444).flags == 0);
}
