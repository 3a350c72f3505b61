// Records of the `dns` ring -> what the pods were told, and what became of every message: the pure
// half of reading answers. For one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/dns_stream.h"
#include "agent/name_table.h"

namespace outflow::agent {

// What became of DNS messages and of what they say. Cumulative.
enum class NameCount : std::uint8_t {
  Told,        // messages that told at least one address
  NoName,      // messages: NXDOMAIN, as most legs of a search list
  Failed,      // messages with another rcode
  NoAddress,   // messages that name no address of the kind asked for
  OtherType,   // messages about neither A nor AAAA nor HTTPS nor SVCB
  Truncated,   // messages that say that there was more (TC), or are cut; also counted above
  Stray,       // records that the chain from the name does not lead to
  Unreadable,  // messages or records of the ring that make no sense
  StreamGap,   // parts of streams that are missing, or belong to no message
  NamesFull,   // addresses without room in the table, or beyond what is looked at in a message
  Unparsed,    // records that nobody reads: names are off
};
inline constexpr std::size_t kNameCounts = 11;
using NameCounts = std::array<std::uint64_t, kNameCounts>;
// "dns_told", "dns_no_name", ...
[[nodiscard]] const std::array<std::string, kNameCounts>& name_count_names();
// What did not end as a name, by reason; zeros are left out.
[[nodiscard]] std::vector<Counter> skipped_between(const NameCounts& before, const NameCounts& now);

class DnsNames {
 public:
  // A second's jiffies, for streams that fell silent.
  explicit DnsNames(std::uint32_t second_jiffies, const NameTable::Bounds& bounds = {});
  DnsNames(const DnsNames&) = delete;
  DnsNames& operator=(const DnsNames&) = delete;

  // A record of the ring.
  void take(const void* record, std::size_t size);
  void age(std::uint32_t now_jiffies) { streams_.age(now_jiffies); }

  [[nodiscard]] NameTable& table() { return table_; }
  [[nodiscard]] NameCounts counts() const;

 private:
  void read(const DnsStreams::Message& message);
  void count(NameCount what, std::uint64_t times = 1) {
    counts_.at(static_cast<std::size_t>(what)) += times;
  }

  NameCounts counts_{};
  NameTable table_;
  DnsStreams streams_;
};

}  // namespace outflow::agent
