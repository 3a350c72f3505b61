#include "agent/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <thread>
#include <tuple>

#include "agent/netlink_bytes.h"
#include "common/fd.h"

namespace outflow::agent {
namespace {

constexpr std::uint32_t bit(std::uint8_t state) {
  return 1U << state;
}
// Both sides may still send: the states conntrack, too, takes for living.
constexpr std::uint32_t kLivingStates = bit(TCP_ESTABLISHED) | bit(TCP_SYN_SENT) |
                                        bit(TCP_FIN_WAIT1) | bit(TCP_FIN_WAIT2) |
                                        bit(TCP_CLOSE_WAIT);

std::optional<Socket> read_socket(const inet_diag_msg& said) {
  const std::size_t size = said.idiag_family == AF_INET ? 4 : 16;
  if (said.idiag_family != AF_INET && said.idiag_family != AF_INET6) return std::nullopt;
  const auto address = [&](const __be32(&words)[4]) {
    return *net::Address::from_bytes({reinterpret_cast<const std::uint8_t*>(words), size});
  };
  return Socket{.family = said.idiag_family,
                .state = said.idiag_state,
                .local = address(said.id.idiag_src),
                .remote = address(said.id.idiag_dst),
                .local_port = ntohs(said.id.idiag_sport),
                .remote_port = ntohs(said.id.idiag_dport)};
}

bool read_message(const nlmsghdr* message, const SocketSink& sink) {
  if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY) return true;
  if (mnl_nlmsg_get_payload_len(message) < sizeof(inet_diag_msg)) return false;
  const auto socket =
      read_socket(*static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(message)));
  if (socket) sink(*socket);
  return true;
}

bool is_any(const net::Address& address) {
  return std::ranges::all_of(address.packed(), [](std::uint8_t byte) { return byte == 0; });
}

bool is_loopback(const net::Address& address) {
  static const net::Address v6 = *net::Address::parse("::1");
  return address.is_v4() ? address.packed()[0] == 127 : address == v6;
}

// Which local ends are listened on. Only a socket of the listener's own family is accepted there,
// so a v6-only wildcard takes no v4 connection.
class Listeners {
 public:
  explicit Listeners(std::span<const Socket> sockets) {
    for (const Socket& socket : sockets) {
      if (socket.state != TCP_LISTEN) continue;
      const net::Address address = is_any(socket.local) ? net::Address() : socket.local;
      ends_.emplace(socket.family, socket.local_port, address);
    }
  }
  [[nodiscard]] bool accepted(const Socket& socket) const {
    return ends_.contains({socket.family, socket.local_port, socket.local}) ||
           ends_.contains({socket.family, socket.local_port, net::Address()});
  }

 private:
  std::set<std::tuple<std::uint8_t, std::uint16_t, net::Address>> ends_;
};

bool leaves_the_pod(const Socket& socket) {
  return !is_loopback(socket.local) && !is_loopback(socket.remote) &&
         socket.local != socket.remote && !is_any(socket.remote);
}

// Of the namespace the thread is in.
Result<void> dump_family(std::uint8_t family, const SocketSink& sink) {
  std::array<std::byte, 128> bytes{};
  nlmsghdr* request = mnl_nlmsg_put_header(bytes.data());
  request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* head =
      static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(request, sizeof(inet_diag_req_v2)));
  head->sdiag_family = family;
  head->sdiag_protocol = IPPROTO_TCP;
  // The kernel lists listening sockets first, so none is accepted by a listener not yet listed.
  head->idiag_states = kLivingStates | bit(TCP_LISTEN);
  auto step = ask(NETLINK_SOCK_DIAG, {bytes.data(), request->nlmsg_len},
                  [&](const nlmsghdr* message) { return read_message(message, sink); });
  if (!step) return fail(std::move(step).error());
  if (step->error != 0) return fail("socket table: " + errno_text(step->error));
  return {};
}

// What our namespace calls another; nothing when no link of ours leads there.
Result<std::optional<std::int32_t>> nsid_of(const Fd& other) {
  std::array<std::byte, 64> bytes{};
  nlmsghdr* request = mnl_nlmsg_put_header(bytes.data());
  request->nlmsg_type = RTM_GETNSID;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  mnl_nlmsg_put_extra_header(request, sizeof(rtgenmsg));
  mnl_attr_put_u32(request, NETNSA_FD, static_cast<std::uint32_t>(other.get()));
  std::optional<std::int32_t> nsid;
  auto step = ask(NETLINK_ROUTE, {bytes.data(), request->nlmsg_len}, [&](const nlmsghdr* message) {
    if (message->nlmsg_type != RTM_NEWNSID) return true;
    if (mnl_nlmsg_get_payload_len(message) < sizeof(rtgenmsg)) return false;
    const auto attributes = attributes_of<NETNSA_NSID + 1>(message, MNL_ALIGN(sizeof(rtgenmsg)));
    const nlattr* number = attributes[NETNSA_NSID];
    if (number != nullptr && mnl_attr_get_payload_len(number) >= sizeof(std::uint32_t)) {
      nsid = static_cast<std::int32_t>(mnl_attr_get_u32(number));
    }
    return true;
  });
  if (!step) return fail(std::move(step).error());
  if (step->error == EINVAL) return fail("not a network namespace");
  if (step->error != 0) return fail("its number: " + errno_text(step->error));
  if (nsid == NETNSA_NSID_NOT_ASSIGNED) nsid.reset();
  return nsid;
}

void unreadable(SocketsDump& dump, const std::string& name, const Error& error) {
  ++dump.unreadable;
  dump.why_unreadable = name + ": " + error.what;
}

// Of the namespace the thread is in.
Result<std::vector<Conversation>> conversations_here(SocketsDump& dump) {
  std::vector<Socket> sockets;
  const auto keep = [&](const Socket& socket) {
    if (sockets.size() < kConversationsMax) {
      sockets.push_back(socket);
    } else {
      ++dump.beyond_max;
    }
  };
  for (const int family : {AF_INET, AF_INET6}) {
    auto read = dump_family(static_cast<std::uint8_t>(family), keep);
    if (!read) return fail(std::move(read).error());
  }
  return conversations_of(sockets);
}

// False: entering is not permitted, so no other may be entered either.
bool enter_and_read(const Fd& space, NamespaceSockets into, SocketsDump& dump) {
  if (::setns(space.get(), CLONE_NEWNET) != 0) {
    if (errno == EPERM) return false;
    unreadable(dump, into.name, Error{"setns: " + errno_text(errno)});
    return true;
  }
  auto conversations = conversations_here(dump);
  if (!conversations) {
    unreadable(dump, into.name, conversations.error());
    return true;
  }
  into.conversations = std::move(*conversations);
  dump.namespaces.push_back(std::move(into));
  return true;
}

// False as above.
bool visit(const std::filesystem::path& path, SocketsDump& dump) {
  const std::string name = path.filename();
  // A pipe somebody left there must not hold us.
  const Fd space(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!space.valid()) {
    unreadable(dump, name, Error{errno_text(errno)});
    return true;
  }
  const auto nsid = nsid_of(space);
  if (!nsid) {
    unreadable(dump, name, nsid.error());
    return true;
  }
  if (!*nsid) {
    ++dump.unlinked;
    return true;
  }
  bool permitted = true;
  // Whoever enters a namespace does not come back, but ends.
  std::thread visitor([&] {
    permitted = enter_and_read(space, {.name = name, .nsid = **nsid, .conversations = {}}, dump);
  });
  visitor.join();
  return permitted;
}

}  // namespace

Result<DumpStep> read_sockets(std::span<const std::byte> bytes, const SocketSink& sink) {
  return read_dump(bytes, [&](const nlmsghdr* message) { return read_message(message, sink); });
}

std::vector<Conversation> conversations_of(std::span<const Socket> sockets) {
  const Listeners listeners(sockets);
  std::vector<Conversation> conversations;
  for (const Socket& socket : sockets) {
    if (socket.state > TCP_CLOSING || (bit(socket.state) & kLivingStates) == 0) continue;
    if (!leaves_the_pod(socket)) continue;
    const Ends out{socket.local, socket.remote, socket.local_port, socket.remote_port};
    const Ends in{socket.remote, socket.local, socket.remote_port, socket.local_port};
    const bool accepted = listeners.accepted(socket);
    conversations.push_back({.original = accepted ? in : out,
                             .reply = accepted ? out : in,
                             .protocol = Protocol::Tcp,
                             .replied = socket.state != TCP_SYN_SENT,
                             .picked_up = false});
  }
  return conversations;
}

Result<SocketsDump> dump_sockets(const std::string& netns_dir) {
  SocketsDump dump;
  std::error_code error;
  for (std::filesystem::directory_iterator file(netns_dir, error), end; !error && file != end;
       file.increment(error)) {
    if (!visit(file->path(), dump)) {
      return fail("socket tables: entering namespaces is not permitted: CAP_SYS_ADMIN is missing");
    }
  }
  if (error) return fail("socket tables: " + netns_dir + ": " + error.message());
  return dump;
}

}  // namespace outflow::agent
