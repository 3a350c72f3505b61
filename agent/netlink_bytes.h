// Bounds of netlink messages, for whoever walks them. libmnl's own compare the length as a signed
// number and round the end up, so that bytes which are no kernel's lead beyond the buffer.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
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

// By type, those of types below N; null where the message has none. Of a repeated one the last.
template <std::size_t N>
using Attributes = std::array<const nlattr*, N>;

// Walks attributes between `first` and `end`; kernels may know more types than we do.
template <std::size_t N>
Attributes<N> attributes_between(const nlattr* first, const char* end) {
  Attributes<N> attributes{};
  for (const nlattr* attribute = first; attribute_ok(attribute, end);
       attribute = mnl_attr_next(attribute)) {
    const std::uint16_t type = mnl_attr_get_type(attribute);
    if (type < N) attributes[type] = attribute;
  }
  return attributes;
}

// Those behind the message's head of `head` bytes, which the caller knows to be there.
template <std::size_t N>
Attributes<N> attributes_of(const nlmsghdr* message, std::size_t head) {
  return attributes_between<N>(
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, head)), end_of(message));
}

// Those nested in an attribute; all null when that is null itself.
template <std::size_t N>
Attributes<N> attributes_in(const nlattr* nest) {
  if (nest == nullptr) return {};
  const auto* payload = static_cast<const char*>(mnl_attr_get_payload(nest));
  return attributes_between<N>(reinterpret_cast<const nlattr*>(payload),
                               payload + mnl_attr_get_payload_len(nest));
}

}  // namespace outflow::agent
