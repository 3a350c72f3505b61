// Bounds of netlink messages, for whoever walks them. libmnl's own compare the length as a signed
// number and round the end up, so that bytes which are no kernel's lead beyond the buffer.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>

namespace outflow::agent {

// `message` is whole within the `left` bytes from it on.
inline bool message_ok(const nlmsghdr* message, int left) {
  return left >= 0 && mnl_nlmsg_ok(message, left) &&
         message->nlmsg_len <= static_cast<std::uint32_t>(left);
}

inline const char* end_of(const nlmsghdr* message) {
  return reinterpret_cast<const char*>(message) + message->nlmsg_len;
}

inline bool attribute_ok(const nlattr* attribute, const char* end) {
  return mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
}

}  // namespace outflow::agent
