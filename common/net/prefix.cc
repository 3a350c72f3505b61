#include "common/net/prefix.h"

#include <charconv>

namespace outflow::net {
namespace {

int bits_of(const Address& address) {
  return address.is_v4() ? 32 : 128;
}

// Keeps the first `length` bits of the family's own bytes; IPv4 stands in the last four.
Address masked(const Address& address, int length) {
  Address::Bytes bytes = address.bytes();
  const int keep = address.is_v4() ? length + 96 : length;
  for (int i = 0; i < 16; ++i) {
    const int bits = std::min(8, std::max(0, keep - i * 8));
    bytes[static_cast<std::size_t>(i)] &=
        static_cast<std::uint8_t>(0xff00U >> static_cast<unsigned>(bits));
  }
  return Address(bytes);
}

}  // namespace

Result<Prefix> Prefix::of(const Address& address, int length) {
  if (length < 0 || length > bits_of(address)) {
    return fail(address.to_string() + "/" + std::to_string(length) +
                " is no prefix: the length is 0.." + std::to_string(bits_of(address)));
  }
  return Prefix(masked(address, length), length);
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address)
    return fail(Error(address.error()).within("'" + std::string(text) + "' is no prefix"));
  if (slash == std::string_view::npos) return host(*address);
  const std::string_view digits = text.substr(slash + 1);
  int length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return fail("'" + std::string(text) + "' is no prefix: the length is not a number");
  }
  return of(*address, length);
}

Prefix Prefix::host(const Address& address) {
  return Prefix(address, bits_of(address));
}

bool Prefix::contains(const Address& address) const {
  return address.is_v4() == address_.is_v4() && masked(address, length_) == address_;
}

std::string Prefix::to_string() const {
  return address_.to_string() + "/" + std::to_string(length_);
}

}  // namespace outflow::net
