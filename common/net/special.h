// Addresses that are nobody's on the internet: IANA's special-purpose registries (RFC 6890) and the
// clouds' metadata. Documentation ranges are not among them: in a test they stand for the internet.
#pragma once

#include <cstdint>

#include "common/net/address.h"
#include "common/net/prefix.h"

namespace outflow::net {

enum class Special : std::uint8_t {
  None,
  Metadata,     // 169.254.169.254, fd00:ec2::254: a cloud's instance metadata
  Multicast,    // multicast, limited broadcast
  Unspecified,  // 0.0.0.0/8, ::
  Loopback,
  Private,  // RFC 1918, RFC 6598, RFC 4193, link-local
};

[[nodiscard]] Special special_of(const Address& address);
// Of the range the prefix lies in; else of the first one that lies in the prefix. Prefixes have
// nothing else in common.
[[nodiscard]] Special special_of(const Prefix& prefix);

}  // namespace outflow::net
