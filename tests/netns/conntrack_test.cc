// Tables older than the agent, on a real node: its conntrack and its pods' sockets name the
// conversations there are, and who opened them.
#include "agent/conntrack.h"

#include <arpa/inet.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "agent/interfaces.h"
#include "agent/seed.h"
#include "agent/sockets.h"
#include "tests/support/catch.h"
#include "tests/support/netns.h"
#include "tests/support/privileged.h"
#include "tests/support/temp_dir.h"

using namespace outflow;
using namespace outflow::agent;
using namespace outflow::test;

namespace {

constexpr const char* kService = "10.96.0.10";

net::Address address(const std::string& text) {
  return *net::Address::parse(text);
}

sockaddr_in socket_address(const std::string& text, std::uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  inet_pton(AF_INET, text.c_str(), &made.sin_addr);
  return made;
}

std::uint16_t port_of(const Fd& fd) {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size);
  return ntohs(own.sin_port);
}

// Bound to the port in the pod; `type` SOCK_STREAM listens.
Fd serve(const Pod& pod, int type, std::uint16_t port) {
  Fd fd;
  pod.space.run([&] {
    fd = Fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
    const sockaddr_in own = socket_address("0.0.0.0", port);
    REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    if (type == SOCK_STREAM) REQUIRE(listen(fd.get(), 8) == 0);
  });
  return fd;
}

// Connected from the pod, and held as long as the result lives.
Fd connect_to(const Pod& pod, int type, const std::string& to, std::uint16_t port) {
  Fd fd;
  pod.space.run([&] {
    fd = Fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const sockaddr_in peer = socket_address(to, port);
    REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0);
  });
  return fd;
}

// Four bytes there and, with `answer`, four bytes back.
void exchange(const Fd& asker, const Fd& server, bool answer) {
  std::array<char, 4> bytes{};
  sockaddr_in from{};
  socklen_t size = sizeof from;
  auto* peer = reinterpret_cast<sockaddr*>(&from);
  REQUIRE(send(asker.get(), "ping", 4, 0) == 4);
  REQUIRE(recvfrom(server.get(), bytes.data(), bytes.size(), 0, peer, &size) == 4);
  if (!answer) return;
  REQUIRE(sendto(server.get(), "pong", 4, 0, peer, size) == 4);
  REQUIRE(recv(asker.get(), bytes.data(), bytes.size(), 0) == 4);
}

// A node that tracks connections and translates a ClusterIP to a pod, as kube-proxy makes it do.
struct Cluster {
  Cluster() {
    client = node.add_pod("cali-client", "10.244.3.17");
    server = node.add_pod("cali-server", "10.244.3.18");
  }
  void track() const {
    node.space.sh(
        "nft -f - <<'END'\n"
        "table ip proxy {\n"
        "  chain services {\n"
        "    type nat hook prerouting priority dstnat;\n"
        "    ip daddr 10.96.0.10 tcp dport 5432 dnat to 10.244.3.18:6432;\n"
        "  }\n"
        "  chain track { type filter hook forward priority 0; ct state new accept; }\n"
        "}\n"
        "END");
  }
  // Of both pods, and bounded; or of one address.
  [[nodiscard]] Result<ConntrackDump> dump(std::size_t conversations_max) const {
    return dump({.addresses = {address(client->address), address(server->address)},
                 .conversations_max = conversations_max});
  }
  [[nodiscard]] Result<ConntrackDump> dump(const ConntrackQuery& query) const {
    Result<ConntrackDump> dump;
    node.space.run([&] { dump = dump_conntrack(query); });
    return dump;
  }

  Node node;
  std::unique_ptr<Pod> client;
  std::unique_ptr<Pod> server;
};

// On a thread that has every capability but one. What `body` throws ends the program.
void run_without(int capability, const std::function<void()>& body) {
  std::thread([&] {
    __user_cap_header_struct head{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> sets{};
    syscall(SYS_capget, &head, sets.data());
    const auto word = static_cast<std::size_t>(CAP_TO_INDEX(capability));
    sets[word].effective &= ~CAP_TO_MASK(capability);
    syscall(SYS_capset, &head, sets.data());
    body();
  }).join();
}

// The pods' namespaces, mounted in a folder as a container runtime does. The mounts are of the
// calling thread's own mount namespace, and go with it.
void mount_namespace(const Namespace& space, const std::filesystem::path& path) {
  std::ofstream(path).put('\n');
  REQUIRE(mount(space.path().c_str(), path.c_str(), "none", MS_BIND, nullptr) == 0);
}

Ends ends(const std::string& source, std::uint16_t source_port, const std::string& destination,
          std::uint16_t destination_port) {
  return {address(source), address(destination), source_port, destination_port};
}

}  // namespace

TEST_CASE("conntrack names exactly the conversations that live, with who opened them",
          "[conntrack]") {
  require_root();
  const Cluster cluster;
  cluster.track();
  const std::string& client = cluster.client->address;
  const std::string& server = cluster.server->address;
  const Fd pool = serve(*cluster.server, SOCK_STREAM, 6432);
  const Fd dns = serve(*cluster.server, SOCK_DGRAM, 53);
  const Fd held = connect_to(*cluster.client, SOCK_STREAM, kService, 5432);
  const Fd asked = connect_to(*cluster.client, SOCK_DGRAM, server, 53);
  exchange(asked, dns, true);
  const Fd back = connect_to(*cluster.server, SOCK_DGRAM, client, 514);
  REQUIRE(send(back.get(), "ping", 4, 0) == 4);
  {
    const Fd over = connect_to(*cluster.client, SOCK_STREAM, server, 6432);
    const linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(over.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }

  const auto dump = cluster.dump(kConversationsMax);

  REQUIRE(dump);
  CHECK_FALSE(dump->absent);
  CHECK(dump->beyond_max == 0);
  std::vector<Conversation> said = dump->conversations;
  std::vector<Conversation> expected = {
      {ends(client, port_of(held), kService, 5432), ends(server, 6432, client, port_of(held)),
       Protocol::Tcp, true, false},
      {ends(client, port_of(asked), server, 53), ends(server, 53, client, port_of(asked)),
       Protocol::Udp, true, false},
      {ends(server, port_of(back), client, 514), ends(client, 514, server, port_of(back)),
       Protocol::Udp, false, false}};
  std::ranges::sort(said);
  std::ranges::sort(expected);
  CHECK(said == expected);

  const std::vector<OwnAddresses> pods = {{1, {address(client)}}, {2, {address(server)}}};
  const Seed seed = seed_from(pods, said);
  CHECK(seed.opened ==
        std::vector<OpenedBefore>{
            {FlowKey{1, address(kService), 5432, Protocol::Tcp}, address(client), true},
            {FlowKey{1, address(server), 53, Protocol::Udp}, address(client), true},
            {FlowKey{2, address(client), 514, Protocol::Udp}, address(server), false}});

  // A query for one pod keeps what it opened and what it answered, and nobody else's.
  const auto other = cluster.node.add_pod("cali-other", "10.244.3.19");
  send_udp(*other, server, 99, 1);
  const auto of_client = cluster.dump({.addresses = {address(client)}});
  REQUIRE(of_client);
  std::vector<Conversation> kept = of_client->conversations;
  std::ranges::sort(kept);
  CHECK(kept == expected);

  const auto bounded = cluster.dump(1);
  REQUIRE(bounded);
  CHECK(bounded->conversations.size() == 1);
  CHECK(bounded->beyond_max == 3);
}

TEST_CASE("a connection older than conntrack itself is told as picked up", "[conntrack]") {
  require_root();
  const Cluster cluster;
  const Fd listening = serve(*cluster.server, SOCK_STREAM, 6432);
  const Fd held = connect_to(*cluster.client, SOCK_STREAM, cluster.server->address, 6432);
  const Fd accepted(accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  cluster.track();
  const Fd young = connect_to(*cluster.client, SOCK_STREAM, kService, 5432);
  exchange(accepted, held, true);  // the server speaks first now

  const auto dump = cluster.dump(kConversationsMax);

  REQUIRE(dump);
  REQUIRE(dump->conversations.size() == 2);
  const auto old = std::ranges::find(dump->conversations, true, &Conversation::picked_up);
  REQUIRE(old != dump->conversations.end());
  CHECK(old->original ==
        ends(cluster.server->address, 6432, cluster.client->address, port_of(held)));
  CHECK(std::ranges::count(dump->conversations, true, &Conversation::picked_up) == 1);
}

TEST_CASE("a conntrack that follows nothing is empty, one that may not be asked an error",
          "[conntrack]") {
  require_root();
  const Cluster cluster;

  const auto empty = cluster.dump(kConversationsMax);
  REQUIRE(empty);
  CHECK(empty->conversations.empty());
  CHECK_FALSE(empty->absent);

  Result<ConntrackDump> refused;
  run_without(CAP_NET_ADMIN, [&] { refused = dump_conntrack({}); });
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().what, has_text("CAP_NET_ADMIN"));
}

TEST_CASE("the sockets of pods say who opened, and which veth leads to them", "[sockets]") {
  require_root();
  const Cluster cluster;
  cluster.track();
  const std::string& client = cluster.client->address;
  const std::string& server = cluster.server->address;
  const Fd listening = serve(*cluster.server, SOCK_STREAM, 6432);
  const Fd held = connect_to(*cluster.client, SOCK_STREAM, kService, 5432);
  const Fd local_server = serve(*cluster.client, SOCK_STREAM, 9000);
  const Fd local = connect_to(*cluster.client, SOCK_STREAM, "127.0.0.1", 9000);
  const Namespace stranger;
  const TempDir dir;
  std::ofstream(dir / "stale").put('\n');
  std::map<std::string, std::int32_t> nsids;
  Result<SocketsDump> dump;
  Result<SocketsDump> refused;
  cluster.node.space.run([&] {
    REQUIRE(unshare(CLONE_NEWNS) == 0);
    REQUIRE(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    mount_namespace(cluster.client->space, dir / "client");
    mount_namespace(cluster.server->space, dir / "server");
    mount_namespace(stranger, dir / "stranger");
    auto interfaces = Interfaces::open();
    REQUIRE(interfaces);
    REQUIRE(interfaces->dump([&](const NetlinkEvent& event) {
      if (const auto* link = std::get_if<Link>(&event)) nsids[link->name] = link->peer_nsid;
    }));
    dump = dump_sockets(dir / "");
    run_without(CAP_SYS_ADMIN, [&] { refused = dump_sockets(dir / ""); });
  });

  REQUIRE(dump);
  CHECK(dump->unlinked == 1);  // the stranger
  CHECK(dump->unreadable == 1);
  CHECK_THAT(dump->why_unreadable, has_text("stale: not a network namespace"));
  std::ranges::sort(dump->namespaces, {}, &NamespaceSockets::name);
  REQUIRE(dump->namespaces.size() == 2);
  const NamespaceSockets& of_client = dump->namespaces[0];
  CHECK(of_client.name == "client");
  CHECK(of_client.nsid == nsids.at("cali-client"));
  CHECK(of_client.conversations ==
        std::vector<Conversation>{{ends(client, port_of(held), kService, 5432),
                                   ends(kService, 5432, client, port_of(held)), Protocol::Tcp, true,
                                   false}});
  const NamespaceSockets& of_server = dump->namespaces[1];
  CHECK(of_server.name == "server");
  CHECK(of_server.nsid == nsids.at("cali-server"));
  CHECK(of_server.conversations ==
        std::vector<Conversation>{{ends(client, port_of(held), server, 6432),
                                   ends(server, 6432, client, port_of(held)), Protocol::Tcp, true,
                                   false}});
  CHECK(of_client.nsid != of_server.nsid);

  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().what, has_text("CAP_SYS_ADMIN"));
  CHECK_FALSE(dump_sockets(dir / "nothing"));
}
