// The sockets of pods -> their conversations, with what the pod itself believes of them.
//
// An opt-in for nodes without conntrack: it enters the pods' network namespaces, which takes
// CAP_SYS_ADMIN. TCP only. A connected socket whose local end has a listening socket was accepted,
// so the peer opened it; any other the pod opened. No port number is judged by its size. What a pod
// redirects inside its own namespace (a sidecar) shows as the application sees it, and a server
// that stopped listening but still serves shows as the opener.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "agent/conversation.h"
#include "agent/netlink_dump.h"
#include "common/net/address.h"
#include "common/result.h"

namespace outflow::agent {

struct NamespaceSockets {
  std::string name;       // the file's, in the folder
  std::int32_t nsid = 0;  // Link::peer_nsid of the veths that lead there
  std::vector<Conversation> conversations;
};

struct SocketsDump {
  std::vector<NamespaceSockets> namespaces;
  // Namespaces that no link of ours leads to. The kernel numbers a namespace when a link to it is
  // first told of, so Interfaces::dump() comes before.
  std::uint64_t unlinked = 0;
  std::uint64_t unreadable = 0;  // files that are no namespace, namespaces that failed
  std::string why_unreadable;    // of the last such
  std::uint64_t beyond_max = 0;  // sockets, where a namespace had kConversationsMax already
};

// `netns_dir` holds mounted network namespaces ("/run/netns"). Numbers are those of the calling
// thread's namespace; into each of the others goes a thread of its own, and ends there.
// Conversations over loopback are left out. Without CAP_SYS_ADMIN an Error that says so.
[[nodiscard]] Result<SocketsDump> dump_sockets(const std::string& netns_dir);

// A TCP socket, listening or connected.
struct Socket {
  std::uint8_t family = 0;  // AF_INET, AF_INET6: a v6 socket may hold mapped v4 addresses
  std::uint8_t state = 0;   // TCP_ESTABLISHED ..., netinet/tcp.h
  net::Address local;
  net::Address remote;
  std::uint16_t local_port = 0;  // host order
  std::uint16_t remote_port = 0;
  friend bool operator==(const Socket&, const Socket&) = default;
};
using SocketSink = std::function<void(const Socket&)>;

// The pure halves. inet_diag messages (aligned to 4 bytes) -> sockets; what does not fit its own
// lengths is an Error.
[[nodiscard]] Result<DumpStep> read_sockets(std::span<const std::byte> bytes,
                                            const SocketSink& sink);
// All sockets of one namespace -> its living conversations.
[[nodiscard]] std::vector<Conversation> conversations_of(std::span<const Socket> sockets);

}  // namespace outflow::agent
