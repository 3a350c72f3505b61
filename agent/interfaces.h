// rtnetlink -> which links and host routes the namespace has, now and as they change. For one
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "agent/netlink.h"
#include "common/fd.h"
#include "common/result.h"

namespace outflow::agent {

class Interfaces {
 public:
  // Subscribes to changes in the network namespace of the calling thread. What happens from here on
  // is in receive(), so a dump() after open() leaves no gap.
  [[nodiscard]] static Result<Interfaces> open();

  // Everything there is: links first, then host routes. After an Error, open() anew.
  [[nodiscard]] Result<void> dump(const EventSink& sink);
  // One link; an Error when there is none of that index.
  [[nodiscard]] Result<void> query(std::uint32_t ifindex, const EventSink& sink);

  // What is waiting in the subscription, without blocking. False: the kernel dropped some (ENOBUFS)
  // and the caller must dump().
  [[nodiscard]] Result<bool> receive(const EventSink& sink);
  // Readable when receive() has something.
  [[nodiscard]] int fd() const { return events_.get(); }

 private:
  Interfaces(Fd events, Fd requests)
      : events_(std::move(events)), requests_(std::move(requests)), buffer_(kBufferBytes) {}
  // False: the answer was interrupted and may hold a mixture.
  [[nodiscard]] Result<bool> request(std::span<const std::byte> message, const EventSink& sink);
  [[nodiscard]] Result<void> dump_type(std::uint16_t type, std::uint8_t family,
                                       const EventSink& sink);

  // The kernel fills dumps up to 32 KiB a message (netlink(7)).
  static constexpr std::size_t kBufferBytes = 65'536;
  Fd events_;
  Fd requests_;
  std::vector<std::byte> buffer_;
};

}  // namespace outflow::agent
