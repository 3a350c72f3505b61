// What older tables say -> what the agent's own would hold had it watched from the start.
//
// A pure function. Only proof makes a tuple: a conversation whose opener is not known, or whose end
// cannot be told to be one pod's, gives nothing and is counted.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "agent/conversation.h"
#include "common/flow.h"
#include "common/net/address.h"

namespace outflow::agent {

// An interface and the addresses behind it: the host routes that point at it.
struct OwnAddresses {
  std::uint64_t interface_id = 0;
  std::vector<net::Address> addresses;
};

// A tuple the pod opened, with the destination it sent to: before DNAT, as its veth sees it.
struct OpenedBefore {
  FlowKey key;
  net::Address source;       // of the first such conversation
  bool established = false;  // one of them was answered
  friend bool operator==(const OpenedBefore&, const OpenedBefore&) = default;
};

// A peer that spoke first, as the pod sees it: what the pod sends there are answers.
struct InboundBefore {
  std::uint64_t interface_id = 0;
  net::Address peer;
  std::uint16_t peer_port = 0;  // host order; 0 where the protocol has none
  std::uint16_t local_port = 0;
  Protocol protocol{};
  friend auto operator<=>(const InboundBefore&, const InboundBefore&) = default;
};

struct Seed {
  std::vector<OpenedBefore> opened;    // one a key, sorted by it
  std::vector<InboundBefore> inbound;  // each once, sorted
  // Conversations that gave less than they might have:
  std::uint64_t shared = 0;      // an end's address belongs to more than one interface
  std::uint64_t undirected = 0;  // of a known interface, but picked up in their middle
};

// A pod that talks to itself by a service is in both halves.
[[nodiscard]] Seed seed_from(std::span<const OwnAddresses> interfaces,
                             std::span<const Conversation> conversations);

}  // namespace outflow::agent
