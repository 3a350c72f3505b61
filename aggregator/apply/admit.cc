#include "aggregator/apply/admit.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string_view>

#include <fmt/format.h>

namespace outflow::apply {
namespace {

constexpr std::size_t kShownMax = 3;
constexpr std::size_t kShownBytesMax = 64;  // of a net that is none

using net::Address;
using net::Prefix;

template <std::size_t N>
std::vector<Prefix> prefixes(const std::array<const char*, N>& texts) {
  std::vector<Prefix> parsed;
  for (const char* text : texts) {
    const auto prefix = Prefix::parse(text);
    assert(prefix);
    parsed.push_back(*prefix);
  }
  return parsed;
}

const std::vector<Prefix>& special_ranges() {
  static const auto kRanges =
      prefixes<12>({"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "224.0.0.0/4",
                    "240.0.0.0/4", "192.88.99.0/24",
                    // Of IPv6 within 2000::/3; the rest: why_not_v6().
                    "2001::/32", "2001:2::/48", "2001:10::/28", "2001:20::/28", "64:ff9b:1::/48"});
  return kRanges;
}
const std::vector<Prefix>& private_ranges() {
  static const auto kRanges = prefixes<6>({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                           "100.64.0.0/10", "198.18.0.0/15", "fc00::/7"});
  return kRanges;
}

bool same_family(const Prefix& one, const Prefix& other) {
  return one.address().is_v4() == other.address().is_v4();
}
bool within(const Prefix& inner, const Prefix& outer) {
  return same_family(inner, outer) && inner.length() >= outer.length() &&
         outer.contains(inner.address());
}
bool touches(const Prefix& one, const Prefix& other) {
  return within(one, other) || within(other, one);
}
bool touches_any(const Prefix& net, const std::vector<Prefix>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&net](const Prefix& range) { return touches(net, range); });
}

// The IPv4 net that an IPv6 one is a way to: NAT64 (64:ff9b::/96, RFC 6052) and 6to4 (2002::/16,
// RFC 3056). `at`: the byte where the IPv4 address begins.
Result<Prefix> inner_v4(const Prefix& net, std::size_t at) {
  const auto& bytes = net.address().bytes();
  const auto address = Address::from_bytes({bytes.data() + at, 4});
  if (!address) return fail(Error(address.error()));
  return Prefix::of(*address, std::clamp(net.length() - static_cast<int>(at) * 8, 0, 32));
}

std::string why_not_v6(const Prefix& net, const std::vector<Prefix>& private_allowed) {
  static const auto kGlobal = prefixes<1>({"2000::/3"});
  static const auto kNat64 = prefixes<1>({"64:ff9b::/96"});
  static const auto k6to4 = prefixes<1>({"2002::/16"});
  constexpr std::size_t kNat64At = 12;
  constexpr std::size_t k6to4At = 2;
  if (within(net, kNat64[0])) {
    const auto inner = inner_v4(net, kNat64At);
    return inner ? why_not(*inner, private_allowed) : "special";
  }
  if (within(net, k6to4[0])) {
    const auto inner = inner_v4(net, k6to4At);
    return inner ? why_not(*inner, private_allowed) : "special";
  }
  // What is neither global unicast (RFC 4291, 2.4) nor of the inside is nobody's to be dialled.
  return within(net, kGlobal[0]) || touches_any(net, private_ranges()) ? "" : "special";
}

}  // namespace

std::string why_not(const Prefix& net, const std::vector<Prefix>& private_allowed) {
  const bool v4 = net.address().is_v4();
  if (net.length() < (v4 ? kShortestV4 : kShortestV6)) return "too_wide";
  if (touches_any(net, special_ranges())) return "special";
  if (!v4) {
    if (std::string why = why_not_v6(net, private_allowed); !why.empty()) return why;
  }
  if (!touches_any(net, private_ranges())) return "";
  const bool allowed = std::any_of(private_allowed.begin(), private_allowed.end(),
                                   [&net](const Prefix& range) { return within(net, range); });
  return allowed ? "" : "private";
}

Admitted admit(const std::vector<std::string>& nets, const Rules& rules) {
  Admitted admitted;
  std::map<std::string, std::vector<std::string>> refused;
  for (const std::string& text : nets) {
    const auto net = Prefix::parse(text);
    if (!net) {
      refused["not_a_net"].push_back(text.substr(0, kShownBytesMax));
    } else if (std::string why = why_not(*net, rules.private_allowed); !why.empty()) {
      refused[why].push_back(net->to_string());
    } else {
      admitted.nets.push_back(*net);
    }
  }
  std::sort(admitted.nets.begin(), admitted.nets.end());
  admitted.nets.erase(std::unique(admitted.nets.begin(), admitted.nets.end()), admitted.nets.end());
  for (auto& [reason, which] : refused) {
    std::string shown;
    for (std::size_t i = 0; i < std::min(which.size(), kShownMax); ++i) {
      shown += (i == 0 ? "" : ", ") + which[i];
    }
    admitted.refusals.push_back({reason, fmt::format("{} of its nets: {}{}", which.size(), shown,
                                                     which.size() > kShownMax ? ", ..." : "")});
  }
  return admitted;
}

}  // namespace outflow::apply
