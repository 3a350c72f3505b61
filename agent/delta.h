// Cumulative readings -> what happened between two of them. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bpf/flow.h"
#include "common/clock.h"
#include "common/flow.h"

namespace outflow::agent {

struct TupleRow {
  flow_key key;
  flow_stats stats;
};

struct OtherSourceRow {
  other_source_key key;
  flow_stats stats;
};

struct SourceRow {
  source_key key;
  source_address address;
};

using Counts = std::array<std::uint64_t, COUNT_MAX>;
using DnsCounts = std::array<std::uint64_t, DNS_COUNT_MAX>;
using SaidRingCounts = std::array<std::uint64_t, SAID_COUNT_MAX>;

// What the maps hold at one moment, or what of it has been handed on. Rows are sorted by key.
struct Cumulative {
  std::vector<TupleRow> tuples;
  std::vector<OtherSourceRow> other_sources;
  std::vector<SourceRow> sources;  // not kept: they only say whose a tag is
  Counts counts{};
  DnsCounts dns_counts{};
  SaidRingCounts said_counts{};
};

void sort_rows(Cumulative& reading);

// Wall time of the kernel's jiffies, cut to 32 bits: right within half their range of the reading.
struct JiffyClock {
  std::uint32_t jiffies = 0;  // at
  TimePoint wall{};           // this time
  nanoseconds tick{};

  [[nodiscard]] TimePoint time_of(std::uint32_t moment) const;
};

// The interval after one that ended at `previous_end`. It never ends before it starts: a wall clock
// set back by less than a day gives empty intervals until it catches up; more than that, or a leap
// of more than a year, begins anew at `now`. `stepped` says that one of these happened.
struct NextInterval {
  Interval interval;
  bool stepped = false;
};
[[nodiscard]] NextInterval next_interval(TimePoint previous_end, TimePoint now);

// Every tuple that changed, with what it gained. A tuple that is new, or was made anew since (its
// first packet is another), counts whole. 32-bit counters may have wrapped once. Times are within
// the interval, because what they tell of happened in it.
[[nodiscard]] std::vector<Flow> flows_between(const Cumulative& before, const Cumulative& now,
                                              const JiffyClock& clock, const Interval& interval);

// What was not recorded, by reason; zeros are left out. DNS answers, and what pods said, that did
// not get through are told among what was skipped: a name may be missing, no tuple is.
[[nodiscard]] std::vector<Counter> losses_between(const Cumulative& before, const Cumulative& now);
[[nodiscard]] std::vector<Counter> skipped_between(const Cumulative& before, const Cumulative& now);

// "seen", "recorded", "tcp_unopened", ...: the snake case name of every packet_count.
[[nodiscard]] const std::array<std::string, COUNT_MAX>& count_names();
[[nodiscard]] const std::array<std::string, DNS_COUNT_MAX>& dns_count_names();
[[nodiscard]] const std::array<std::string, SAID_COUNT_MAX>& said_count_names();
[[nodiscard]] bool is_loss(std::size_t count);

// FlowFlags of a tuple's, or an overflow record's, flow_flags.
[[nodiscard]] std::uint32_t to_flow_flags(std::uint32_t kernel_flags);

// The kernel's key as the product speaks of it.
[[nodiscard]] FlowKey to_key(const flow_key& key);

}  // namespace outflow::agent
