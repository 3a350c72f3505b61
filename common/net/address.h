// An IPv4 or IPv6 address as one value: 16 bytes in network order, IPv4 mapped (::ffff:a.b.c.d,
// RFC 4291 2.5.5.2), so that both families take one path from the kernel's key to the policy.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/result.h"

namespace outflow::net {

class Address {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  Address() = default;  // the unspecified address ::
  explicit Address(const Bytes& bytes) : bytes_(bytes) {}

  // 4 or 16 bytes in network order; any other length is an Error.
  [[nodiscard]] static Result<Address> from_bytes(std::span<const std::uint8_t> bytes);
  // Dotted IPv4, or IPv6 without zone. "::ffff:1.2.3.4" is the IPv4 address.
  [[nodiscard]] static Result<Address> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_unspecified() const { return *this == Address(); }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  // 4 bytes for IPv4, 16 for IPv6: the shortest form that from_bytes() reads back.
  [[nodiscard]] std::span<const std::uint8_t> packed() const;
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const Address&, const Address&) = default;

 private:
  Bytes bytes_{};
};

}  // namespace outflow::net

template <>
struct std::hash<outflow::net::Address> {
  std::size_t operator()(const outflow::net::Address& address) const noexcept {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::memcpy(&high, address.bytes().data(), sizeof high);
    std::memcpy(&low, address.bytes().data() + sizeof high, sizeof low);
    return static_cast<std::size_t>((high * 0x9e3779b97f4a7c15ULL) ^ (low * 0xc2b2ae3d27d4eb4fULL));
  }
};
