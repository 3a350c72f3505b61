// One netlink request and all of its answer, for the dumps that differ only in their messages.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "common/result.h"

struct nlmsghdr;

namespace outflow::agent {

struct DumpStep {
  bool done = false;         // the dump's end, or an acknowledgement
  bool interrupted = false;  // the kernel's tables changed meanwhile (NLM_F_DUMP_INTR)
  int error = 0;             // an errno: the kernel refused, or gave up half way
};

// Given every message that is neither an end nor an error. False: it is shorter than its own head.
using MessageReader = std::function<bool(const nlmsghdr*)>;

// The pure half: messages as recv() gave them (aligned to 4 bytes). An Error when they do not fit
// their own lengths.
[[nodiscard]] Result<DumpStep> read_dump(std::span<const std::byte> bytes,
                                         const MessageReader& reader);

// Asks in the network namespace of the calling thread and reads to the end. What the kernel says
// against it, ENOBUFS and a netlink family it does not have (EPROTONOSUPPORT) among it, is in
// `error`; what went to the reader before stays said.
[[nodiscard]] Result<DumpStep> ask(int netlink_family, std::span<const std::byte> request,
                                   const MessageReader& reader);

}  // namespace outflow::agent
