// rtnetlink messages -> what the agent wants to know of them. Pure: bytes in, events out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <variant>

#include "common/net/address.h"
#include "common/result.h"

namespace outflow::agent {

struct Link {
  std::uint32_t ifindex = 0;
  std::string name;
  bool veth = false;
  bool peer_elsewhere = false;  // the other end lives in another namespace
  std::int32_t peer_nsid = -1;  // what this namespace calls that one (IFLA_LINK_NETNSID)
  friend bool operator==(const Link&, const Link&) = default;
};

struct LinkGone {
  std::uint32_t ifindex = 0;
  friend bool operator==(const LinkGone&, const LinkGone&) = default;
};

// A unicast route to exactly one address by one interface: how a node knows its pods.
struct HostRoute {
  std::uint32_t ifindex = 0;
  net::Address address;
  bool added = true;
  friend bool operator==(const HostRoute&, const HostRoute&) = default;
};

// A qdisc or filter went: a hook of ours may have been on it.
struct TrafficControlGone {
  std::uint32_t ifindex = 0;
  friend bool operator==(const TrafficControlGone&, const TrafficControlGone&) = default;
};

using NetlinkEvent = std::variant<Link, LinkGone, HostRoute, TrafficControlGone>;
using EventSink = std::function<void(const NetlinkEvent&)>;

// What a run of messages said about the answer it belongs to.
struct Progress {
  bool done = false;         // the dump's end, or an acknowledgement
  bool interrupted = false;  // the kernel's tables changed meanwhile: ask again
};

// Reads netlink messages as recv() gave them (aligned to 4 bytes). Unknown types and attributes are
// passed over; a message that does not fit its own lengths, or an error from the kernel, is an
// Error.
[[nodiscard]] Result<Progress> read_messages(std::span<const std::byte> bytes,
                                             const EventSink& sink);

}  // namespace outflow::agent
