// The kernel's conntrack table -> the conversations it follows: who opened what before we looked.
//
// One dump serves any number of pods. It needs CAP_NET_ADMIN, reads the network namespace of the
// calling thread and returns when the kernel has gone through its table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "agent/conversation.h"
#include "agent/netlink_dump.h"
#include "common/net/address.h"
#include "common/result.h"

namespace outflow::agent {

struct ConntrackQuery {
  // Only conversations that one of these opens or answers are kept: a node follows many that are no
  // pod's of interest, and a dump should not weigh more than what comes of it.
  std::unordered_set<net::Address> addresses;
  std::size_t conversations_max = kConversationsMax;
};

struct ConntrackDump {
  std::vector<Conversation> conversations;
  std::uint64_t beyond_max = 0;  // wanted, but there were conversations_max already
  bool interrupted = false;      // the table changed under every try: some may be missing
  bool absent = false;           // this kernel has no conntrack to ask, which is no Error
};

// Living conversations: TCP in TIME_WAIT, CLOSE or LAST_ACK is none, nor is ICMP other than echo.
// The Error names the missing capability where that is the cause.
[[nodiscard]] Result<ConntrackDump> dump_conntrack(const ConntrackQuery& query);

// The pure half: the living conversations of ctnetlink messages (aligned to 4 bytes). Entries that
// lack an end and attributes we do not know are passed over; what does not fit its own lengths is
// an Error.
[[nodiscard]] Result<DumpStep> read_conntrack(std::span<const std::byte> bytes,
                                              const ConversationSink& sink);

// Whether an errno in answer to a dump says that there is no conntrack, rather than that it failed.
[[nodiscard]] bool means_no_conntrack(int error);

}  // namespace outflow::agent
