// The packet a log line tells of: netfilter's text (nf_log_syslog.c) or Calico's eBPF trace -> the
// egress tuple it opens, or why it opens none. Pure; keeps nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/flow.h"
#include "common/net/address.h"

namespace outflow::ingest {

struct LogPacket {
  std::string_view interface_name;  // the pod's veth; "" when the line does not say
  net::Address source;
  net::Address destination;
  std::uint16_t port = 0;
  Protocol protocol{};
  std::uint64_t bytes = 0;
  bool denied = false;
};

enum class Verdict : std::uint8_t {
  Opens,       // `packet` opened an egress flow
  Skipped,     // readable, but opens none
  Unreadable,  // it claims to be a packet and cannot be read
};

struct PacketReading {
  Verdict verdict = Verdict::Unreadable;
  std::string_view reason;  // of a skip or a failure: a static text, [a-z-]
  LogPacket packet;         // its text points into the line
};

// Where a packet's text starts in a line, "IN=" with " OUT=" after its interface. Prefixes are cut
// by the kernel (29 characters in iptables), so nothing in front of it separates: "...obseIN=cali".
[[nodiscard]] std::optional<std::size_t> find_netfilter(std::string_view line);
// Likewise "cali...-E: policy ALLOWED".
[[nodiscard]] std::optional<std::size_t> find_trace(std::string_view line);

// The text from where find_*() says to the end of the line.
[[nodiscard]] PacketReading read_netfilter(std::string_view body);
[[nodiscard]] PacketReading read_trace(std::string_view body);

}  // namespace outflow::ingest
