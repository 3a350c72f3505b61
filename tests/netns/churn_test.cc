// Interfaces that come and go, by hundreds, under other names and to other namespaces, and faster
// than the kernel can tell of them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "tests/netns/world.h"
#include "tests/support/catch.h"
#include "tests/support/privileged.h"
#include "tests/support/traffic.h"

using namespace outflow;
using namespace outflow::test;

namespace {

namespace fs = std::filesystem;

// Commands for `ip -batch`, which makes a hundred interfaces in the time of a few `ip`.
void ip_batch(const World& world, const Namespace& space, const std::string& lines) {
  const std::string path = world.dir / "batch";
  std::ofstream(path) << lines;
  space.sh("ip -batch " + path);
}

// Many pods whose ends are all in one namespace: cali<n> there is p<n> here, without ARP.
class Crowd {
 public:
  explicit Crowd(const World& world) : world_(world) {
    space.sh("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
  }

  void add(int first, int count) const {
    std::string there;
    std::string here;
    for (int i = first; i < first + count; ++i) {
      there += fmt::format(
          "link add cali{0} type veth peer name p{0} netns {1}\nlink set cali{0} group 7 up\n", i,
          space.path());
      here += fmt::format("link set p{0} arp off up\naddr add 10.200.{1}.{2}/32 dev p{0}\n", i,
                          i / 250, i % 250 + 1);
    }
    ip_batch(world_, world_.node.space, there);
    ip_batch(world_, space, here);
  }

  // One datagram from each.
  void send(int first, int count, std::uint16_t port) const {
    space.run([&] {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(port);
      to.sin_addr.s_addr = htonl(0xc0000201);  // 192.0.2.1
      for (int i = first; i < first + count; ++i) {
        const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const std::string device = fmt::format("p{}", i);
        const auto size = static_cast<socklen_t>(device.size());
        if (setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, device.c_str(), size) != 0 ||
            sendto(fd.get(), "ping", 4, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) !=
                4) {
          throw std::runtime_error("cannot send from " + device);
        }
      }
    });
  }

  Namespace space;

 private:
  const World& world_;
};

// What would grow if something were left behind.
struct Holdings {
  std::size_t files = 0;
  std::size_t links = 0;
  std::size_t interfaces = 0;
  std::size_t tuples = 0;
  std::ptrdiff_t marks = 0;     // of clsact qdiscs
  std::uintmax_t registry = 0;  // bytes
  friend bool operator==(const Holdings&, const Holdings&) = default;
};
Holdings holdings(const World& world) {
  const fs::directory_iterator marks(world.bpffs() + "/clsact");
  return {world.open_files(),
          world.links(),
          world.rows("interfaces"),
          world.tuples(),
          std::distance(begin(marks), end(marks)),
          fs::file_size(world.dir / "state/interfaces")};
}

bool numbered_are(const World& world, std::size_t count) {
  return eventually([&] { return world.rows("interfaces") == count; });
}

// Their hooks are on, not only their numbers given.
bool hooked(const World& world, int first, int count) {
  return eventually([&] {
    const std::string log = world.log();
    for (int i = first; i < first + count; ++i) {
      if (log.find(fmt::format("msg=hooked interface=cali{} ", i)) == std::string::npos) {
        return false;
      }
    }
    return true;
  });
}

void rename_link(const World& world, const std::string& from, const std::string& to) {
  world.node.space.sh(fmt::format(
      "ip link set {0} down && ip link set {0} name {1} && ip link set {1} up", from, to));
}

}  // namespace

TEST_CASE("hundreds of pods that come, are renamed, move and go leave nothing behind", "[churn]") {
  require_root();
  World world;
  const auto stays = world.node.add_pod("calistays", "10.244.0.2");
  world.start_agent();
  send_datagrams(*stays, {.to = "192.0.2.1", .port = 7000});
  REQUIRE(eventually([&] { return world.to_port(7000).packets == 1; }));
  const Holdings before = holdings(world);
  const Crowd crowd(world);
  // A tcx hook waits for the kernel's readers (synchronize_rcu), on and off: 50 ms a pod.
  const int wave = world.links() == 0 ? 100 : 40;
  for (int first = 0; first < 5 * wave; first += wave) {
    const Namespace elsewhere;
    crowd.add(first, wave);
    REQUIRE(hooked(world, first, wave));
    crowd.send(first, wave, 7001);
    for (int i = first; i < first + 5; ++i) {
      rename_link(world, fmt::format("cali{}", i), fmt::format("calinew{}", i));
      rename_link(world, fmt::format("cali{}", i + 5), fmt::format("eth{}", i));
      world.node.space.sh(fmt::format("ip link set cali{} netns {}", i + 10, elsewhere.path()));
      elsewhere.sh(fmt::format("ip link set cali{} up", i + 10));
    }
    REQUIRE(numbered_are(world, static_cast<std::size_t>(wave) + 1 - 10));
    // Let go: nobody counts what they send now, not even as lost.
    crowd.send(first + 5, 10, 7002);
    world.node.space.sh("ip link delete group 7");
    elsewhere.sh("ip link delete group 7");
  }

  REQUIRE(
      eventually([&] { return world.to_port(7001).packets == 5U * static_cast<unsigned>(wave); }));
  const bool nothing_left = eventually([&] { return holdings(world) == before; });
  const Holdings after = holdings(world);
  INFO(after.files << " files, " << after.links << " links, " << after.interfaces << " interfaces, "
                   << after.tuples << " tuples, " << after.marks << " marks, " << after.registry
                   << " bytes of registry; before " << before.files << ", " << before.links << ", "
                   << before.interfaces << ", " << before.tuples << ", " << before.marks << ", "
                   << before.registry);
  CHECK(nothing_left);
  REQUIRE(world.accounted());
  CHECK(world.to_port(7002).packets == 0);
  CHECK(world.counts().at(COUNT_NO_INTERFACE) == 0);
  // Who goes by itself was not robbed of its hook.
  CHECK(world.loss("hook_removed") == 0);
  CHECK(world.log().find("level=error") == std::string::npos);
}

TEST_CASE("a renamed interface keeps its number, and has none while its name is not a pod's",
          "[churn]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  world.start_agent();
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 3});
  REQUIRE(eventually([&] { return world.to_port(7001).packets == 3; }));

  rename_link(world, "calipod", "calinew");
  REQUIRE(eventually([&] { return world.ids("calinew").size() == 1; }));
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 4});
  REQUIRE(eventually([&] { return world.to_port(7001).packets == 7; }));
  CHECK(world.ids("calinew") == world.ids("calipod"));

  rename_link(world, "calinew", "eth7");
  REQUIRE(numbered_are(world, 0));
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7002, .count = 5});
  rename_link(world, "eth7", "calipod");
  REQUIRE(eventually([&] { return world.times_hooked() == 2; }));
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 6});

  REQUIRE(eventually([&] { return world.to_port(7001).packets == 13; }));
  REQUIRE(world.accounted());
  CHECK(world.to_port(7002).packets == 0);
  CHECK(world.ids("calipod").size() == 2);
}

TEST_CASE("an interface that moved to another namespace is let go, and new when it comes back",
          "[churn]") {
  require_root();
  World world;
  const auto pod = world.node.add_pod("calipod", "10.244.0.2");
  const Namespace elsewhere;
  world.start_agent();
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 3});
  REQUIRE(eventually([&] { return world.to_port(7001).packets == 3; }));

  world.node.space.sh("ip link set calipod netns " + elsewhere.path());
  REQUIRE(numbered_are(world, 0));
  elsewhere.sh("ip link set calipod up");
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7002, .count = 4});
  elsewhere.sh("ip link set calipod netns " + world.node.space.path());
  REQUIRE(eventually([&] { return world.times_hooked() == 2; }));
  world.node.space.sh("ip link set calipod up");
  send_datagrams(*pod, {.to = "192.0.2.1", .port = 7001, .count = 5});

  REQUIRE(eventually([&] { return world.to_port(7001).packets == 8; }));
  REQUIRE(world.accounted());
  CHECK(world.to_port(7002).packets == 0);
  CHECK(world.ids("calipod").size() == 2);
  CHECK(world.counts().at(COUNT_NO_INTERFACE) == 0);
}

TEST_CASE("events that the kernel dropped are made good: every pod is hooked, every other let go",
          "[churn]") {
  require_root();
  World world;
  const auto stays = world.node.add_pod("calistays", "10.244.0.2");
  const auto goes = world.node.add_pod("caligoes", "10.244.0.3");
  auto reused = world.node.add_pod("calireused", "10.244.0.4", 77);
  world.start_agent();
  send_datagrams(*reused, {.to = "192.0.2.1", .port = 7001, .count = 2});
  REQUIRE(eventually([&] { return world.to_port(7001).packets == 2; }));

  world.pause_agent();
  std::string noise;
  for (int i = 0; i < 8000; ++i) noise += fmt::format("link set calistays mtu {}\n", 1400 + i % 2);
  ip_batch(world, world.node.space, noise);
  world.node.remove_pod(*goes);
  world.node.remove_pod(*reused);
  reused = world.node.add_pod("calireused", "10.244.0.4", 77);
  const Crowd crowd(world);
  crowd.add(0, 20);
  world.resume_agent();

  REQUIRE(
      eventually([&] { return world.log().find("kernel dropped events") != std::string::npos; }));
  REQUIRE(eventually([&] { return world.ids("calireused").size() == 2; }));
  REQUIRE(hooked(world, 0, 20));
  REQUIRE(numbered_are(world, 22));
  crowd.send(0, 20, 7002);
  send_datagrams(*reused, {.to = "192.0.2.1", .port = 7001, .count = 3});
  send_datagrams(*stays, {.to = "192.0.2.1", .port = 7003, .count = 4});
  REQUIRE(eventually([&] { return world.to_port(7001).packets == 5; }));
  REQUIRE(eventually([&] { return world.to_port(7002).packets == 20; }));
  REQUIRE(eventually([&] { return world.to_port(7003).packets == 4; }));
  CHECK(world.accounted());
}
