// A CIDR, canonical because no other can be made: host bits are clear, so equal prefixes compare
// equal.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "common/net/address.h"
#include "common/result.h"

namespace outflow::net {

class Prefix {
 public:
  // `length` counts from the start of the address's own family: 0..32 for IPv4, 0..128 for IPv6.
  [[nodiscard]] static Result<Prefix> of(const Address& address, int length);
  // "10.0.0.0/8", "2001:db8::/32"; a bare address is its /32 or /128. Host bits are cleared.
  [[nodiscard]] static Result<Prefix> parse(std::string_view text);
  // The /32 or /128 of one address.
  [[nodiscard]] static Prefix host(const Address& address);

  [[nodiscard]] bool contains(const Address& address) const;
  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] int length() const { return length_; }
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  Prefix(const Address& address, int length) : address_(address), length_(length) {}

  Address address_;
  int length_ = 0;
};

}  // namespace outflow::net
