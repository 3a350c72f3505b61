// Records of the `said` ring -> what each pod said to whom, one row for each (interface,
// destination, port, name, flags) of an interval; and what became of every hello and request. For
// one thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "agent/delta.h"
#include "agent/said_hello.h"
#include "agent/said_stream.h"
#include "common/names.h"
#include "common/result.h"

namespace outflow::agent {

// What became of hellos and requests that were taken out of the ring. Cumulative. Those that ended
// as a row are in none of the last three.
enum class SaidCount : std::uint8_t {
  Hello,       // with a server name
  Request,     // with a Host
  Nameless,    // either, without a name or with an address
  Unreadable,  // no whole hello or request, or what it names is no host
  StreamGap,   // a beginning whose rest is missing, or the reverse
  NamesFull,   // no room for another row in this interval
};
inline constexpr std::size_t kSaidCounts = 6;
using SaidCounts = std::array<std::uint64_t, kSaidCounts>;
// "said_hello", "said_request", ...
[[nodiscard]] const std::array<std::string, kSaidCounts>& said_names_count_names();
// What did not end as a row, by reason; zeros are left out.
[[nodiscard]] std::vector<Counter> skipped_between(const SaidCounts& before, const SaidCounts& now);

class SaidNames {
 public:
  struct Bounds {
    std::size_t rows = 16'384;  // an interval; some 4 MiB with the longest names
    SaidStreams::Bounds streams = {};
  };
  SaidNames(HelloReader hellos, const Bounds& bounds);
  SaidNames(const SaidNames&) = delete;
  SaidNames& operator=(const SaidNames&) = delete;

  // A record of the ring.
  void take(const void* record, std::size_t size);
  void age(std::uint32_t now_jiffies) { streams_.age(now_jiffies); }

  // Every row since the last kept(), with times within the interval.
  [[nodiscard]] std::vector<SaidName> rows(const JiffyClock& clock, const Interval& interval) const;
  // What rows() gave is on disk.
  void kept() { rows_.clear(); }

  [[nodiscard]] SaidCounts counts() const;

 private:
  // Interface, destination, port, name, flags.
  using Key = std::tuple<std::uint32_t, net::Address, std::uint16_t, std::string, std::uint32_t>;
  struct Row {
    std::uint64_t count = 0;
    std::uint32_t first_jiffies = 0;
    std::uint32_t last_jiffies = 0;
  };
  void read(const SaidStreams::Whole& whole);
  void add(const said_record& record, std::string name, std::uint32_t flags);
  void count(SaidCount what) { ++counts_.at(static_cast<std::size_t>(what)); }

  const Bounds bounds_;
  const HelloReader hellos_;
  SaidCounts counts_{};
  std::map<Key, Row> rows_;
  SaidStreams streams_;
};

}  // namespace outflow::agent
