// Resolvers whose answers nobody on the path can read: DNS over TLS (RFC 7858), QUIC (RFC 9250) and
// HTTPS (RFC 8484). The first two have a port of their own; those over HTTPS look like any web
// site, so the public ones are known by the names and addresses their operators document. A pod
// that asks another one looks as if it dialled addresses: what is not in this table, nobody knows.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/flow.h"
#include "common/net/address.h"

namespace outflow::names {

inline constexpr std::uint16_t kDnsOverTlsPort = 853;  // RFC 7858 3.1, RFC 9250 4.1.1
inline constexpr std::uint16_t kHttpsPort = 443;

[[nodiscard]] bool is_resolver_name(std::string_view name);  // as in common/names.h
[[nodiscard]] bool is_resolver_address(const net::Address& address);
// By port alone, or by a documented address.
[[nodiscard]] bool is_opaque_resolver(const FlowKey& key);

}  // namespace outflow::names
