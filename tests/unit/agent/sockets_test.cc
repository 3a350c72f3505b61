#include "agent/sockets.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/support/catch.h"
#include "tests/unit/agent/netlink_messages.h"

using namespace outflow;
using namespace outflow::agent;
using outflow::test::Messages;

namespace {

net::Address address(const char* text) {
  return *net::Address::parse(text);
}

Socket listening(std::uint8_t family, const char* local, std::uint16_t port) {
  return {family, TCP_LISTEN, address(local), address(family == AF_INET ? "0.0.0.0" : "::"),
          port,   0};
}

Socket connected(std::uint8_t family, const char* local, std::uint16_t port,
                 const char* remote = "10.244.3.17", std::uint8_t state = TCP_ESTABLISHED) {
  return {family, state, address(local), address(remote), port, 40'000};
}

void add_socket(Messages& messages, const Socket& socket) {
  nlmsghdr* message = messages.begin(SOCK_DIAG_BY_FAMILY);
  auto* said =
      static_cast<inet_diag_msg*>(mnl_nlmsg_put_extra_header(message, sizeof(inet_diag_msg)));
  said->idiag_family = socket.family;
  said->idiag_state = socket.state;
  said->id.idiag_sport = htons(socket.local_port);
  said->id.idiag_dport = htons(socket.remote_port);
  const auto put = [&](__be32* to, const net::Address& from) {
    const auto bytes = socket.family == AF_INET ? from.packed() : std::span(from.bytes());
    std::memcpy(to, bytes.data(), bytes.size());
  };
  put(said->id.idiag_src, socket.local);
  put(said->id.idiag_dst, socket.remote);
  messages.end(message);
}

struct Read {
  std::vector<Socket> sockets;
  Result<DumpStep> step;
};

Read read(std::span<const std::byte> bytes) {
  Read read;
  read.step = read_sockets(bytes, [&](const Socket& said) { read.sockets.push_back(said); });
  return read;
}

std::vector<Conversation> recorded(const std::string& name) {
  std::ifstream file(OUTFLOW_SOURCE_DIR "/tests/fuzz/corpus/sockets_fuzz/" + name,
                     std::ios::binary);
  const std::vector<char> text(std::istreambuf_iterator<char>(file), {});
  return conversations_of(read(std::as_bytes(std::span(text))).sockets);
}

// Whether the pod opened the last of these sockets; they are all conversations there are.
bool pod_opened(const std::vector<Socket>& sockets) {
  const auto said = conversations_of(sockets);
  REQUIRE(said.size() == 1);
  const Conversation& last = said.back();
  CHECK(last.original.source == last.reply.destination);
  CHECK(last.original.destination_port == last.reply.source_port);
  return last.original.source == sockets.back().local &&
         last.original.source_port == sockets.back().local_port;
}

}  // namespace

TEST_CASE("sockets are read with both ends, mapped addresses as IPv4", "[sockets]") {
  const std::vector<Socket> sockets = {
      listening(AF_INET, "0.0.0.0", 5432), connected(AF_INET, "10.244.3.18", 5432),
      connected(AF_INET6, "fd00::18", 8080, "fd00::17"), connected(AF_INET6, "10.244.3.18", 8080)};
  Messages messages;
  for (const Socket& socket : sockets) add_socket(messages, socket);
  messages.end(messages.begin(NLMSG_DONE));

  const Read result = read(messages.bytes());

  REQUIRE(result.step);
  CHECK(result.step->done);
  CHECK(result.sockets == sockets);
}

TEST_CASE("a listening socket on the local end makes the peer the opener", "[sockets]") {
  const Socket accepted = connected(AF_INET, "10.244.3.18", 5432);

  CHECK_FALSE(pod_opened({listening(AF_INET, "0.0.0.0", 5432), accepted}));
  CHECK_FALSE(pod_opened({listening(AF_INET, "10.244.3.18", 5432), accepted}));
  CHECK(pod_opened({listening(AF_INET, "0.0.0.0", 5433), accepted}));
  CHECK(pod_opened({listening(AF_INET, "10.244.3.19", 5432), accepted}));
  CHECK(pod_opened({accepted}));
}

TEST_CASE("a listener takes connections of its own family only", "[sockets]") {
  const Socket v4 = connected(AF_INET, "10.244.3.18", 8080);
  const Socket mapped = connected(AF_INET6, "10.244.3.18", 8080);
  const Socket v6 = connected(AF_INET6, "fd00::18", 8080, "fd00::17");

  CHECK_FALSE(pod_opened({listening(AF_INET6, "::", 8080), mapped}));
  CHECK_FALSE(pod_opened({listening(AF_INET6, "0.0.0.0", 8080), mapped}));  // ::ffff:0.0.0.0
  CHECK_FALSE(pod_opened({listening(AF_INET6, "::", 8080), v6}));
  CHECK(pod_opened({listening(AF_INET6, "::", 8080), v4}));
  CHECK(pod_opened({listening(AF_INET, "0.0.0.0", 8080), mapped}));
}

TEST_CASE("loopback, closing and half open sockets", "[sockets]") {
  CHECK(conversations_of(std::vector{connected(AF_INET, "127.0.0.1", 80, "127.0.0.2")}).empty());
  CHECK(conversations_of(std::vector{connected(AF_INET6, "fd00::17", 80, "::1")}).empty());
  CHECK(
      conversations_of(std::vector{connected(AF_INET, "10.244.3.18", 80, "10.244.3.18")}).empty());
  for (const std::uint8_t over : {TCP_TIME_WAIT, TCP_CLOSE, TCP_LAST_ACK, TCP_CLOSING}) {
    CHECK(conversations_of(std::vector{connected(AF_INET, "10.244.3.18", 80, "10.244.3.17", over)})
              .empty());
  }
  CHECK(conversations_of(std::vector{connected(AF_INET, "10.244.3.18", 80, "10.244.3.17", 200)})
            .empty());

  const auto trying = conversations_of(
      std::vector{connected(AF_INET, "10.244.3.18", 80, "10.0.0.1", TCP_SYN_SENT)});
  REQUIRE(trying.size() == 1);
  CHECK_FALSE(trying[0].replied);
  CHECK(conversations_of(std::vector{connected(AF_INET, "10.244.3.18", 80)}).at(0).replied);
}

TEST_CASE("what a kernel said of a server and its client is read", "[sockets]") {
  // The server listens on 0.0.0.0:5432 and [::]:8080; the client holds a connection to 5432 by a
  // ClusterIP, and one to 8080 in each family.
  const auto server = recorded("server");
  const auto client = recorded("client");

  REQUIRE(server.size() == 3);
  for (const Conversation& said : server) {
    CHECK((said.original.source == address("10.244.3.17") ||
           said.original.source == address("fd00::17")));
  }
  REQUIRE(client.size() == 3);
  std::size_t by_service = 0;
  for (const Conversation& said : client) {
    CHECK((said.original.source == address("10.244.3.17") ||
           said.original.source == address("fd00::17")));
    by_service += said.original.destination == address("10.96.0.10") ? 1 : 0;
  }
  CHECK(by_service == 1);
}

TEST_CASE("sockets cut at any byte are an error or fewer, never more", "[sockets]") {
  Messages messages;
  add_socket(messages, connected(AF_INET, "10.244.3.18", 5432));
  add_socket(messages, connected(AF_INET6, "fd00::18", 8080, "fd00::17"));
  const auto whole = messages.bytes();

  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(size));
    const Read result = read(cut);

    INFO(size);
    CHECK(result.sockets.size() <= 1);
    // Only a cut at the border of two messages goes unnoticed.
    CHECK((!result.step || size == 0 || result.sockets.size() == 1));
  }

  Messages head;
  nlmsghdr* message = head.begin(SOCK_DIAG_BY_FAMILY);
  mnl_nlmsg_put_extra_header(message, sizeof(inet_diag_msg) - 4);
  head.end(message);
  CHECK_FALSE(read(head.bytes()).step);
}
