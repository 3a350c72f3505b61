// Which nets a set may be given. A set opens what it holds, and what it holds was told by DNS,
// which whoever owns a name may answer as he likes: an answer must not open the inside of the
// cluster (DNS rebinding), the node's metadata service, or half of the internet. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "aggregator/apply/set.h"

namespace outflow::apply {

// Shorter ones are refused: no single service has as much.
inline constexpr int kShortestV4 = 8;
inline constexpr int kShortestV6 = 20;

// "" when it may be in a set, else the reason: "too_wide" (a default route, too), "special"
// (nothing that a name of the internet can rightly lead to: loopback, link-local with the metadata
// services, multicast, reserved: RFC 6890 and its registry) or "private" (RFC 1918, RFC 6598,
// RFC 4193, RFC 2544: the insides of networks), unless one of `private_allowed` contains it. Ranges
// that are only partly so are refused, too, and so are IPv6 ways to such IPv4 addresses (RFC 6052,
// RFC 3056, RFC 4380). Documentation ranges lead nowhere and are let through.
[[nodiscard]] std::string why_not(const net::Prefix& net,
                                  const std::vector<net::Prefix>& private_allowed);

struct Admitted {
  std::vector<net::Prefix> nets;  // sorted, each once
  std::vector<Refusal> refusals;  // one a reason: how many, and the first of them
};

// "not_a_net" is the reason of what cannot be read.
[[nodiscard]] Admitted admit(const std::vector<std::string>& nets, const Rules& rules);

}  // namespace outflow::apply
