// What an agent saw in an interval, as both programs speak of it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/facts.h"
#include "common/names.h"
#include "common/net/address.h"

namespace outflow {

// An IP protocol number (IANA); the named ones are those whose opening direction we understand.
enum class Protocol : std::uint8_t { Icmp = 1, Tcp = 6, Udp = 17, Icmpv6 = 58, Sctp = 132 };

// "TCP", "UDP", "SCTP", "ICMP", "ICMPv6" as Calico writes them, else the number: "47".
[[nodiscard]] std::string to_text(Protocol protocol);
// The inverse, in any case; numbers 1..255 too.
[[nodiscard]] bool parse_protocol(std::string_view text, Protocol* protocol);

// Facts about a flow beside its counters; a set of bits, merged by OR. The values are wire format.
enum FlowFlag : std::uint32_t {
  kFlowInferred = 1U << 0,     // seen mid-conversation, direction not proven: shown, never judged
  kFlowPreExisting = 1U << 1,  // opened before the agent looked
  kFlowOtherSource =
      1U << 2,          // sent from another address than the tuple's first packet: counted apart
  kFlowVlan = 1U << 3,  // at least one packet carried a VLAN tag
  kFlowIcmpRefused = 1U << 4,  // an ICMP destination-unreachable answered it
  kFlowFromLog = 1U << 5,      // read from a Calico log line, not seen by an agent
  kFlowFragmented = 1U << 6,   // at least one first fragment
  kFlowOverflow = 1U << 7,  // some of it travelled by the overflow ring: the tuple table was full
  kFlowQuic = 1U << 8,      // began with a QUIC long header (RFC 9000 17.2)
};
// "inferred", "pre-existing", ... for every bit set, in bit order; an unknown bit is "bit<n>".
[[nodiscard]] std::vector<std::string> flag_names(std::uint32_t flags);

struct FlowStats {
  std::uint64_t packets = 0;   // GSO super-packets count their segments
  std::uint64_t bytes = 0;     // IP header and up; a super-packet's headers once
  std::uint64_t attempts = 0;  // TCP SYNs, SCTP INITs; retransmits included; 0 for other protocols
  std::uint64_t established =
      0;                      // SYN-ACKs (INIT-ACKs) that came back; other protocols: answers seen
  std::uint64_t refused = 0;  // RSTs or ABORTs to an opening, ICMP destination-unreachable
  std::uint32_t flags = 0;    // FlowFlag
  TimePoint first_seen{};
  TimePoint last_seen{};

  // Adds counters, joins flags, widens the time span. A default-constructed value is the identity:
  // an epoch first_seen means "no packet yet".
  void merge(const FlowStats& other);
  friend bool operator==(const FlowStats&, const FlowStats&) = default;
};

// Opened by the pod behind the interface: the veth is the source.
struct FlowKey {
  std::uint64_t interface_id = 0;  // the agent's own number, never reused within a boot
  net::Address destination;
  std::uint16_t destination_port = 0;  // host order; 0 where the protocol has none
  Protocol protocol{};

  friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

struct Flow {
  FlowKey key;
  net::Address source;  // of its first packet (as claimed by the packet, so never an identity)
  FlowStats stats;
  friend bool operator==(const Flow&, const Flow&) = default;
};

// A pod's host-side veth in one agent's life.
struct Interface {
  std::uint64_t id = 0;
  std::string name;                     // at most 15 bytes (IFNAMSIZ - 1)
  std::vector<net::Address> addresses;  // host routes of the node that point at it
  friend bool operator==(const Interface&, const Interface&) = default;
};

// One reason and how often it happened in the interval. Reasons are [a-z_]{1,32}.
struct Counter {
  std::string reason;
  std::uint64_t count = 0;
  friend bool operator==(const Counter&, const Counter&) = default;
};

// Random, made with the pinned maps and kept with them: it names one life of the counters.
using BootId = std::array<std::uint8_t, 16>;
[[nodiscard]] std::string to_hex(const BootId& boot);

struct Interval {
  TimePoint start{};
  TimePoint end{};
  friend bool operator==(const Interval&, const Interval&) = default;
};

// Deltas since the report before. (node, boot, sequence) names it for ever: it is merged once.
struct Report {
  std::string node;
  BootId boot{};
  std::uint64_t sequence = 0;         // 1, 2, 3 ... within a boot
  Interval interval;                  // starts where the report before ended
  std::vector<Counter> losses;        // a tuple may be missing because of these
  std::vector<Counter> skipped;       // passed over by design: replies, ARP, later fragments
  std::vector<Interface> interfaces;  // every hooked interface, and every one a flow names
  std::vector<Flow> flows;
  // False: nobody read DNS answers there, so that a flow without a name tells nothing.
  bool reads_names = false;
  std::vector<NameAnswer> answers;  // of the interval, and of no flow that was reported before
  std::vector<SaidName> said;
  std::string agent_version = OUTFLOW_VERSION;  // of the program that made it
  std::optional<NodeFacts> facts;               // no delta: what holds now
  friend bool operator==(const Report&, const Report&) = default;
};

}  // namespace outflow
