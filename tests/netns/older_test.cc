// Conversations that began before the agent did: told by conntrack or by the pods' sockets, else
// inferred; and never a reply that looks like egress.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <utility>

#include "tests/netns/world.h"
#include "tests/support/catch.h"
#include "tests/support/privileged.h"

using namespace outflow;
using namespace outflow::test;

namespace {

constexpr const char* kClient = "10.244.0.2";
constexpr const char* kServer = "10.244.0.3";
// Makes the node's namespace follow connections, as any Calico rule does.
constexpr const char* kTracked =
    "nft 'add table ip t; add chain ip t f { type filter hook forward priority 0; }; "
    "add rule ip t f ct state new accept'";
constexpr const char* kUntracked =
    "nft 'add table ip t; add chain ip t r { type filter hook prerouting priority raw; }; "
    "add rule ip t r notrack'";

sockaddr_in socket_address(const std::string& text, std::uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  inet_pton(AF_INET, text.c_str(), &made.sin_addr);
  return made;
}

// A connection or a UDP conversation that both ends hold open.
class Held {
 public:
  // `dialled` other than the server's own: what the node translates.
  Held(const Pod& client, const Pod& server, int type, std::uint16_t port,
       std::pair<std::string, std::uint16_t> dialled = {}) {
    if (dialled.first.empty()) dialled = {server.address, port};
    Fd listening;
    server.space.run([&] {
      listening = Fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
      const int on = 1;
      setsockopt(listening.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      const sockaddr_in own = socket_address("0.0.0.0", port);
      must(bind(listening.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
      if (type == SOCK_STREAM) must(listen(listening.get(), 8) == 0);
    });
    client.space.run([&] {
      client_ = Fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
      be_patient(client_);
      const sockaddr_in to = socket_address(dialled.first, dialled.second);
      must(connect(client_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    });
    if (type == SOCK_STREAM) {
      server_ = Fd(accept(listening.get(), nullptr, nullptr));
      listening_ = std::move(listening);
      be_patient(server_);
    } else {
      say_from_client();
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      char byte = 0;
      be_patient(listening);
      must(recvfrom(listening.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&peer), &size) == 1);
      must(connect(listening.get(), reinterpret_cast<const sockaddr*>(&peer), size) == 0);
      server_ = std::move(listening);
      say_from_server();
    }
  }

  void say_from_client() const { must(send(client_.get(), "x", 1, 0) == 1); }
  void say_from_server() const {
    char byte = 0;
    must(send(server_.get(), "y", 1, 0) == 1);
    must(recv(client_.get(), &byte, 1, 0) == 1);
  }
  [[nodiscard]] std::uint16_t client_port() const {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    getsockname(client_.get(), reinterpret_cast<sockaddr*>(&own), &size);
    return ntohs(own.sin_port);
  }

 private:
  static void must(bool good) {
    if (!good) throw std::runtime_error("a socket call failed");
  }
  static void be_patient(const Fd& fd) {
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  Fd client_, server_, listening_;
};

class OldWorld : public World {
 public:
  explicit OldWorld(const char* rules)
      : client(node.add_pod("caliclient", kClient)), server(node.add_pod("caliserver", kServer)) {
    node.space.sh(rules);
  }
  // Until batches that were made after this call are in.
  void wait_two_reports() const {
    const std::size_t before = collector->reports().size();
    REQUIRE(eventually([&] { return collector->reports().size() >= before + 2; }));
  }

  std::unique_ptr<Pod> client;
  std::unique_ptr<Pod> server;
};

// The pods' namespaces mounted in a folder, as a container runtime does.
class NamedSpaces {
 public:
  explicit NamedSpaces(const OldWorld& world)
      : folder_(world.dir / "netns"),
        files_({folder_ + "/" + world.client->interface, folder_ + "/" + world.server->interface}) {
    std::filesystem::create_directory(folder_);
    bind(world.client->space.path(), files_[0]);
    bind(world.server->space.path(), files_[1]);
  }
  ~NamedSpaces() {
    for (const std::string& file : files_) umount2(file.c_str(), MNT_DETACH);
  }
  NamedSpaces(const NamedSpaces&) = delete;
  NamedSpaces& operator=(const NamedSpaces&) = delete;
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  static void bind(const std::string& space, const std::string& file) {
    std::ofstream(file).put('\n');
    REQUIRE(mount(space.c_str(), file.c_str(), nullptr, MS_BIND, nullptr) == 0);
  }
  std::string folder_;
  std::array<std::string, 2> files_;
};

}  // namespace

TEST_CASE("a connection held open since before the agent is a tuple at once, though it is silent",
          "[older]") {
  require_root();
  OldWorld world(kTracked);
  const Held pool(*world.client, *world.server, SOCK_STREAM, 5432);
  const Held udp(*world.client, *world.server, SOCK_DGRAM, 4433);
  world.start_agent();

  REQUIRE(eventually([&] { return world.to_port(5432).flags != 0; }));
  const FlowStats seen = world.to_port(5432, "caliclient");
  CHECK(seen.flags == kFlowPreExisting);
  CHECK(seen.established == 1);
  CHECK(seen.attempts == 0);
  CHECK(seen.packets == 0);
  CHECK(world.to_port(4433, "caliclient").flags == kFlowPreExisting);

  pool.say_from_client();
  REQUIRE(eventually([&] { return world.to_port(5432).packets > 0; }));
  CHECK(world.to_port(5432).flags == kFlowPreExisting);
}

TEST_CASE("replies within connections older than the agent never become egress", "[older]") {
  require_root();
  OldWorld world(kTracked);
  const Held tcp(*world.client, *world.server, SOCK_STREAM, 5432);
  const Held udp(*world.client, *world.server, SOCK_DGRAM, 4433);
  world.start_agent();
  for (int i = 0; i < 3; ++i) {
    tcp.say_from_server();
    udp.say_from_server();
  }
  const Held younger(*world.client, *world.server, SOCK_STREAM, 5433);
  younger.say_from_server();
  world.wait_two_reports();

  for (const std::uint16_t port : {tcp.client_port(), udp.client_port(), younger.client_port()}) {
    CHECK(world.to_port(port) == FlowStats{});
  }
  CHECK(world.to_port(5433).established == 1);
  CHECK(world.to_port(5433).flags == 0);
}

TEST_CASE("where no table tells who opened, the tuple is inferred, and an opening settles it",
          "[older]") {
  require_root();
  OldWorld world(kUntracked);
  const Held tcp(*world.client, *world.server, SOCK_STREAM, 5432);
  world.start_agent();
  tcp.say_from_client();
  tcp.say_from_server();

  REQUIRE(eventually([&] { return world.to_port(5432).packets > 0; }));
  CHECK(world.to_port(5432).flags == kFlowInferred);
  REQUIRE(eventually([&] { return world.to_port(tcp.client_port()).packets > 0; }));
  CHECK(world.to_port(tcp.client_port()).flags == kFlowInferred);

  // What opens before our eyes is nobody's guess, in neither direction.
  const Held younger(*world.client, *world.server, SOCK_STREAM, 5433);
  younger.say_from_server();
  world.wait_two_reports();
  CHECK(world.to_port(5433).flags == 0);
  CHECK(world.to_port(younger.client_port()) == FlowStats{});
}

TEST_CASE("the pods' sockets tell where conntrack does not", "[older]") {
  require_root();
  OldWorld world(kUntracked);
  const NamedSpaces spaces(world);
  const Held tcp(*world.client, *world.server, SOCK_STREAM, 5432);
  world.start_agent({"--netns-dir=" + spaces.folder()});
  REQUIRE(eventually([&] { return world.to_port(5432).flags != 0; }));
  tcp.say_from_server();
  world.wait_two_reports();

  CHECK(world.to_port(5432, "caliclient").flags == kFlowPreExisting);
  CHECK(world.to_port(5432, "caliclient").established == 1);
  CHECK(world.to_port(tcp.client_port()) == FlowStats{});
}

TEST_CASE("what a server accepted says nothing of the address its client dialled", "[older]") {
  require_root();
  OldWorld world(kTracked);
  world.node.space.sh(
      "nft 'add chain ip t n { type nat hook prerouting priority dstnat; }; "
      "add rule ip t n ip daddr 10.96.0.20 tcp dport 3306 dnat to 10.244.0.3:5432'");
  const NamedSpaces spaces(world);
  const Held tcp(*world.client, *world.server, SOCK_STREAM, 5432, {"10.96.0.20", 3306});
  world.start_agent({"--netns-dir=" + spaces.folder()});
  REQUIRE(eventually([&] { return world.to_port(3306).flags != 0; }));
  world.wait_two_reports();

  CHECK(world.to_port(3306, "caliclient").flags == kFlowPreExisting);
  CHECK(world.to_port(5432) == FlowStats{});
}

TEST_CASE("an agent that goes on asks no table again", "[older]") {
  require_root();
  OldWorld world(kTracked);
  world.start_agent();
  const Held tcp(*world.client, *world.server, SOCK_STREAM, 5432);
  REQUIRE(eventually([&] { return world.to_port(5432).established == 1; }));
  world.kill_agent();
  world.start_agent();
  tcp.say_from_client();
  world.wait_two_reports();

  CHECK(world.to_port(5432).flags == 0);
  CHECK(world.to_port(5432).established == 1);
}

TEST_CASE("idle tuples that are handed on make room before the table is full", "[older]") {
  require_root();
  OldWorld world(kTracked);
  world.start_agent({"--tuples-max=100"});
  const Held pool(*world.client, *world.server, SOCK_STREAM, 5432);
  for (std::uint16_t port = 1; port <= 90; ++port) {
    send_udp(*world.client, "192.0.2.77", port, 1);
  }
  // UDP that nobody answers is forgotten by conntrack after 30 s; its tuples only look alive.
  world.node.space.sh("conntrack -D -p udp >/dev/null 2>&1 || true");

  REQUIRE(eventually([&] { return world.tuples() <= 70; }));
  std::uint64_t packets = 0;
  for (std::uint16_t port = 1; port <= 90; ++port) packets += world.to_port(port).packets;
  CHECK(packets == 90);
  // The connection that stands is still a tuple: what it says next counts there.
  const std::uint64_t before = world.to_port(5432).packets;
  pool.say_from_client();
  CHECK(eventually([&] { return world.to_port(5432).packets == before + 1; }));
  CHECK(world.loss("ring_full") + world.loss("window_full") == 0);
}
