#include "common/net/special.h"

#include <array>
#include <string_view>
#include <vector>

namespace outflow::net {
namespace {

struct Row {
  std::string_view cidr;
  Special special;
};

// The first that holds wins.
constexpr std::array<Row, 16> kRows{{
    {"169.254.169.254/32", Special::Metadata},   // every large cloud's instance metadata
    {"fd00:ec2::254/128", Special::Metadata},    // the same of EC2 over IPv6
    {"224.0.0.0/4", Special::Multicast},         // RFC 5771
    {"255.255.255.255/32", Special::Multicast},  // RFC 919, limited broadcast
    {"ff00::/8", Special::Multicast},            // RFC 4291 2.7
    {"0.0.0.0/8", Special::Unspecified},         // RFC 791 3.2
    {"::/128", Special::Unspecified},
    {"127.0.0.0/8", Special::Loopback},
    {"::1/128", Special::Loopback},
    {"10.0.0.0/8", Special::Private},  // RFC 1918
    {"172.16.0.0/12", Special::Private},
    {"192.168.0.0/16", Special::Private},
    {"100.64.0.0/10", Special::Private},   // RFC 6598, carrier-grade NAT
    {"169.254.0.0/16", Special::Private},  // RFC 3927, link-local (NodeLocal DNSCache lives here)
    {"fc00::/7", Special::Private},        // RFC 4193
    {"fe80::/10", Special::Private},       // RFC 4291 2.5.6, link-local
}};

struct Parsed {
  Prefix prefix;
  Special special;
};

const std::vector<Parsed>& rows() {
  static const std::vector<Parsed> kParsed = [] {
    std::vector<Parsed> parsed;
    for (const Row& row : kRows) parsed.push_back({*Prefix::parse(row.cidr), row.special});
    return parsed;
  }();
  return kParsed;
}

}  // namespace

Special special_of(const Address& address) {
  for (const Parsed& row : rows()) {
    if (row.prefix.contains(address)) return row.special;
  }
  return Special::None;
}

Special special_of(const Prefix& prefix) {
  const auto is_within = [](const Prefix& inner, const Prefix& outer) {
    return inner.length() >= outer.length() && outer.contains(inner.address());
  };
  for (const Parsed& row : rows()) {
    if (is_within(prefix, row.prefix)) return row.special;
  }
  for (const Parsed& row : rows()) {
    if (is_within(row.prefix, prefix)) return row.special;
  }
  return Special::None;
}

}  // namespace outflow::net
