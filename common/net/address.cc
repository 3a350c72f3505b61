#include "common/net/address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace outflow::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

Result<Address> Address::from_bytes(std::span<const std::uint8_t> bytes) {
  Address address;
  if (bytes.size() == 4) {
    std::copy(kMapped.begin(), kMapped.end(), address.bytes_.begin());
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin() + 12);
  } else if (bytes.size() == 16) {
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  } else {
    return fail("an address of " + std::to_string(bytes.size()) + " bytes (4 or 16 expected)");
  }
  return address;
}

Result<Address> Address::parse(std::string_view text) {
  const std::string terminated(text);
  std::array<std::uint8_t, 16> bytes{};
  // A NUL inside would hide what follows it.
  if (text.find('\0') == std::string_view::npos) {
    if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) {
      return from_bytes(std::span(bytes).first(4));
    }
    if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return from_bytes(bytes);
  }
  return fail("'" + terminated + "' is no IPv4 or IPv6 address");
}

bool Address::is_v4() const {
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

std::span<const std::uint8_t> Address::packed() const {
  const std::span<const std::uint8_t> all(bytes_);
  return is_v4() ? all.subspan(12) : all;
}

std::string Address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, packed().data(), text.data(), text.size());
  return text.data();
}

}  // namespace outflow::net
