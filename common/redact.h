// Keeps what is not of the cluster out of logs. Pure but for the switch, which is set once, in
// main, before any thread.
//
// Every log line passes through hide_external_addresses() when the switch is on. Nobody can tell a
// DNS name from other words, so whoever logs one writes external(name). Metrics have no label that
// holds either: reasons, outcomes and fields are words of ours.
#pragma once

#include <string>
#include <string_view>

namespace outflow::log {

void set_redact_external(bool on);
[[nodiscard]] bool redacts_external();

// `name`, or "[external]" when the switch is on.
[[nodiscard]] std::string external(std::string name);

// Every IPv4 and IPv6 address in the text becomes "[external]", unless it is of a range that no
// internet routes: private (RFC 1918, 4193), shared (RFC 6598), loopback, link-local, unspecified.
// A cluster on public addresses has its own hidden as well: rather too much than too little.
[[nodiscard]] std::string hide_external_addresses(std::string_view text);

}  // namespace outflow::log
