// Readings -> batches. The tables in the kernel are the window: while the aggregator is away
// nothing queues up, the next batch simply covers more. For one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/batches.h"
#include "agent/dns_reader.h"
#include "agent/drain.h"
#include "agent/probe.h"
#include "agent/registry.h"
#include "agent/said_names.h"
#include "agent/state.h"
#include "common/clock.h"

namespace outflow::agent {

// Tuples the kernel had no room for, merged by key; beyond this many, their packets are the loss
// `window_full`.
inline constexpr std::size_t kOverflowTuplesMax = 65'536;

class Reporter {
 public:
  struct Setup {
    std::string node;
    std::string state_path;
    bool reads_names = true;
    nanoseconds idle_min = std::chrono::minutes(1);  // younger tuples never make room for others
    // The tuples whose connections stand right now, asked for when the table runs out of room.
    std::function<std::set<FlowKey>()> standing = [] { return std::set<FlowKey>(); };
  };
  // What a batch tells beside its flows.
  struct Sight {
    Interval interval;
    std::vector<Counter> losses;
    std::vector<Counter> skipped;
    std::map<std::uint32_t, Interface> interfaces;
  };
  // Begins where the state file ended when that is of this boot; else at `now`, with the batches of
  // the boot before still to be sent. Either way the state is on disk on return.
  [[nodiscard]] static Result<Reporter> open(Setup setup, const Tables& tables, const Probe& probe,
                                             Registry& registry, const Clock& clock);

  // Batches a run before this one may not have got acknowledged.
  [[nodiscard]] const std::vector<std::string>& unsent() const { return state_.batches; }

  // Takes what waits in the overflow ring, and what pods said. Often enough that they do not fill.
  void take_rings() {
    overflow_.take();
    said_ring_.take();
  }
  // One interval: reads, writes the state, then gives the batches to send, in order. On an Error
  // nothing is lost: the next one covers it. Batches not acknowledged yet are given again, in
  // front.
  [[nodiscard]] Result<std::vector<std::string>> report(bool all_acknowledged);

  [[nodiscard]] const Cumulative& last_reading() const { return state_.handed_on; }
  // Since the start: tuples that made room for others, and what became of DNS messages.
  [[nodiscard]] std::uint64_t evicted() const { return evicted_; }
  [[nodiscard]] NameCounts name_counts() const { return dns_->counts(); }
  [[nodiscard]] SaidCounts said_counts() const { return said_->counts(); }

 private:
  struct Overflowed {
    std::map<FlowKey, Flow> flows;
    std::uint64_t packets = 0;      // read from the ring since the last batch
    std::uint64_t window_full = 0;  // of these, without room here
    JiffyClock clock;
  };

  Reporter(Setup setup, const Tables& tables, const Probe& probe, Registry& registry,
           const Clock& clock)
      : setup_(std::move(setup)),
        tables_(&tables),
        probe_(&probe),
        registry_(&registry),
        clock_(&clock) {}
  [[nodiscard]] Result<JiffyClock> jiffy_clock() const;
  [[nodiscard]] std::vector<Counter> losses(const Cumulative& now);
  [[nodiscard]] std::vector<Counter> skipped(const Cumulative& now, const NameCounts& names,
                                             const SaidCounts& said) const;
  [[nodiscard]] std::vector<Flow> flows(const Cumulative& now, const JiffyClock& jiffies,
                                        const Interval& interval) const;
  void make_room(const JiffyClock& jiffies, const Interval& interval);
  [[nodiscard]] State state_after(Cumulative reading, Rows rows, Sight sight);
  [[nodiscard]] Result<void> open_said();
  static void merge_event(Overflowed& overflowed, const overflow_event& event);

  Setup setup_;
  const Tables* tables_;
  const Probe* probe_;
  Registry* registry_;
  const Clock* clock_;
  State state_;
  std::unique_ptr<Overflowed> overflowed_ = std::make_unique<Overflowed>();
  RingReader overflow_;
  std::unique_ptr<DnsReader> dns_;
  std::unique_ptr<SaidNames> said_;
  RingReader said_ring_;
  std::vector<Flow> late_;  // what evicted tuples counted after their last reading
  std::uint64_t evicted_ = 0;
  std::uint64_t told_evicted_ = 0;  // of these, in a batch
  NameCounts told_names_{};
  SaidCounts told_said_{};
};

}  // namespace outflow::agent
