// Names, as both programs speak of them: what DNS told a pod, and what a pod said itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/net/address.h"

namespace outflow {

// A DNS name in our text form: lower case, without the final dot, at most 253 bytes (RFC 1035 3.1
// allows 255 octets on the wire), printable ASCII; other octets are written \DDD (RFC 1035 5.1).
inline constexpr std::size_t kDnsNameMax = 253;
[[nodiscard]] bool is_dns_name_text(std::string_view text);

// Facts about a NameAnswer; a set of bits, merged by OR. The values are wire format.
enum NameFlag : std::uint32_t {
  kNameTcp = 1U << 0,   // at least one answer came over TCP
  kNameHint = 1U << 1,  // an address hint of an HTTPS or SVCB record (RFC 9460 7.3)
  kNameCut = 1U << 2,   // an answer was truncated (TC, or a first fragment): there may be more
};

// What a pod was told in an interval: this name has this address. One for each (interface, name,
// address), with all the messages that said so.
struct NameAnswer {
  std::uint64_t interface_id = 0;  // the pod's, as in FlowKey
  std::string name;                // the one asked for, whatever CNAMEs stood between
  net::Address address;
  net::Address resolver;  // who answered last, as the pod addressed it
  std::string target;     // owner of the address record at the end of the CNAMEs; "" when the name
  std::uint32_t ttl_s = 0;     // of the last answer: the least of the chain, at most 7 days
  std::uint32_t flags = 0;     // NameFlag
  std::uint64_t answers = 0;   // messages
  TimePoint first_answered{};  // within the interval
  TimePoint last_answered{};
  friend bool operator==(const NameAnswer&, const NameAnswer&) = default;
};
inline constexpr std::uint32_t kTtlMaxSeconds = 7 * 24 * 3600;

enum SaidFlag : std::uint32_t {
  kSaidHost = 1U << 0,  // the Host of an HTTP request; else the server name of a ClientHello
  kSaidEch = 1U << 1,   // it came with Encrypted ClientHello: the name is the outer one
};

// A name a pod sent itself on a connection it opened: corroboration, because it may say anything.
struct SaidName {
  std::uint64_t interface_id = 0;
  net::Address destination;
  std::uint16_t destination_port = 0;
  std::string name;         // "" for a ClientHello without a server name
  std::uint32_t flags = 0;  // SaidFlag
  std::uint64_t count = 0;  // ClientHellos, or requests
  TimePoint first_said{};
  TimePoint last_said{};
  friend bool operator==(const SaidName&, const SaidName&) = default;
};

// Whether a counter of this reason means that an answer, or what a pod said, did not get through:
// no tuple is missing, but a name may be.
[[nodiscard]] bool is_name_loss(std::string_view reason);
// Of those, the ones by which an answer may be missing: an address that was told then looks like
// one that nobody asked for. What a pod said is corroboration and names nothing by itself.
[[nodiscard]] bool is_answer_loss(std::string_view reason);

}  // namespace outflow
