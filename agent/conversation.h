// What a table that outlives us, the kernel's conntrack or a pod's sockets, says of one
// conversation.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "common/flow.h"
#include "common/net/address.h"

namespace outflow::agent {

// Beyond it a reader counts instead of keeping. 2^20 is four times what conntrack itself holds by
// default on a large machine (nf_conntrack_max: 262,144), and 80 MB here.
inline constexpr std::size_t kConversationsMax = 1U << 20U;

// Of the packets that go one way.
struct Ends {
  net::Address source;
  net::Address destination;
  std::uint16_t source_port = 0;  // host order; 0 where the protocol has none
  std::uint16_t destination_port = 0;
  friend auto operator<=>(const Ends&, const Ends&) = default;
};

struct Conversation {
  Ends original;  // as the opener sends: a ClusterIP is still one
  Ends reply;     // as the answerer sends: after DNAT and SNAT
  Protocol protocol{};
  bool replied = false;  // a packet came back (IPS_SEEN_REPLY)
  // First seen in its middle: `original` is who spoke next then, which need not be the opener.
  bool picked_up = false;
  friend auto operator<=>(const Conversation&, const Conversation&) = default;
};

using ConversationSink = std::function<void(const Conversation&)>;

}  // namespace outflow::agent
