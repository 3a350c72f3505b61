#include "common/flow.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace outflow {
namespace {

struct NamedProtocol {
  Protocol protocol;
  std::string_view name;
};
constexpr std::array<NamedProtocol, 5> kProtocols{{{Protocol::Tcp, "TCP"},
                                                   {Protocol::Udp, "UDP"},
                                                   {Protocol::Sctp, "SCTP"},
                                                   {Protocol::Icmp, "ICMP"},
                                                   {Protocol::Icmpv6, "ICMPv6"}}};

constexpr std::array<std::string_view, 9> kFlagNames{"inferred",   "pre-existing", "other-source",
                                                     "vlan",       "icmp-refused", "from-log",
                                                     "fragmented", "overflow",     "quic"};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

}  // namespace

std::string to_text(Protocol protocol) {
  for (const NamedProtocol& named : kProtocols) {
    if (named.protocol == protocol) return std::string(named.name);
  }
  return std::to_string(static_cast<unsigned>(protocol));
}

bool parse_protocol(std::string_view text, Protocol* protocol) {
  for (const NamedProtocol& named : kProtocols) {
    if (equal_ignoring_case(named.name, text)) {
      *protocol = named.protocol;
      return true;
    }
  }
  std::uint8_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0) return false;
  *protocol = static_cast<Protocol>(number);
  return true;
}

std::vector<std::string> flag_names(std::uint32_t flags) {
  std::vector<std::string> names;
  for (std::size_t bit = 0; bit < 32; ++bit) {
    if ((flags >> bit & 1U) == 0) continue;
    names.push_back(bit < kFlagNames.size() ? std::string(kFlagNames[bit])
                                            : fmt::format("bit{}", bit));
  }
  return names;
}

void FlowStats::merge(const FlowStats& other) {
  packets += other.packets;
  bytes += other.bytes;
  attempts += other.attempts;
  established += other.established;
  refused += other.refused;
  flags |= other.flags;
  if (first_seen == TimePoint() ||
      (other.first_seen != TimePoint() && other.first_seen < first_seen)) {
    first_seen = other.first_seen;
  }
  last_seen = std::max(last_seen, other.last_seen);
}

std::string to_hex(const BootId& boot) {
  std::string out;
  for (const std::uint8_t byte : boot) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace outflow
