// One DNS message (RFC 1035 4) -> the addresses it says that the name asked for has. Pure; for any
// bytes: what cannot be read is an outcome, never more. libldns reads names and records.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/names.h"

namespace outflow::agent {

// Records of a message that are looked at: a datagram of the usual 1,232 bytes (EDNS, RFC 6891) has
// 76 addresses at most, one of 4,096 bytes 255. A bound of the work that 64 KiB can ask for.
inline constexpr std::size_t kDnsRecordsMax = 512;

enum class DnsOutcome {
  Told,        // at least one address
  NoName,      // NXDOMAIN: most legs of a search list
  Failed,      // any other rcode: SERVFAIL, REFUSED, ...
  NoAddress,   // the name has none of the kind that was asked for
  OtherType,   // neither A nor AAAA nor HTTPS nor SVCB was asked for
  Unreadable,  // not an answer to one question, or its bytes make no sense
};

struct ToldAddress {
  net::Address address;
  std::string target;       // owner of the record; "" when the name itself
  std::uint32_t ttl_s = 0;  // the least of the chain
  std::uint32_t flags = 0;  // kNameHint, or 0
  friend bool operator==(const ToldAddress&, const ToldAddress&) = default;
};

struct DnsMessage {
  DnsOutcome outcome = DnsOutcome::Unreadable;
  std::string name;                    // asked for; of a service (RFC 9460 2.3) its host's
  std::vector<ToldAddress> addresses;  // each once
  bool truncated = false;              // there was more: TC, or the bytes end within a record
  std::uint32_t strays = 0;  // addresses and aliases that the chain from the name does not lead to
  std::uint32_t beyond = 0;  // records, or addresses, beyond kDnsRecordsMax
};

// `cut`: the bytes are the beginning of a message; records that are whole are used.
[[nodiscard]] DnsMessage read_dns_message(std::span<const std::uint8_t> bytes, bool cut);

// Whether a stream may have a message that begins with these 12 bytes (a DNS header): an answer to
// one question of a kind that is known. By this, the beginning of one is found again.
[[nodiscard]] bool looks_like_answer(std::span<const std::uint8_t> header);

}  // namespace outflow::agent
