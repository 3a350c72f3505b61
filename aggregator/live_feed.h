// The live inventory within the aggregator: what tells it, what it knew before a restart, and the
// snapshots everybody uses. One thread of its own runs the feed; another one steps.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "aggregator/inventory/current.h"
#include "aggregator/inventory/live_cluster.h"
#include "aggregator/store/store.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow {

// Tells a Sink what there is, on a thread of its own, until it is asked to stop. It returns soon
// after that; what it meets on the way it tells by Sink::fail() and goes on.
using Feed = std::function<void(inventory::Sink&, const std::stop_token&)>;

class LiveFeed {
 public:
  // Reads who had which address before, then starts the feed. All outlive it.
  [[nodiscard]] static Result<std::unique_ptr<LiveFeed>> start(Feed feed, store::Store& store,
                                                               inventory::Current& current,
                                                               const Clock& clock,
                                                               nanoseconds retention);

  // Takes a new snapshot when something changed, and keeps on disk whose addresses changed. A
  // snapshot is made as often as it costs a tenth of the time at most. Failures to write are
  // logged, and tried again at the next step.
  void step();
  [[nodiscard]] inventory::LiveCluster::Counts counts() const { return cluster_.counts(); }

 private:
  LiveFeed(store::Store& store, inventory::Current& current, const Clock& clock,
           nanoseconds retention)
      : store_(store), current_(current), clock_(clock), retention_(retention) {}

  void keep();
  void expire();

  store::Store& store_;
  inventory::Current& current_;
  const Clock& clock_;
  const nanoseconds retention_;
  inventory::LiveCluster cluster_;
  std::vector<inventory::Held> unsaved_;
  SteadyTime rested_{};
  SteadyTime expire_next_{};
  SteadyTime mark_next_{};
  std::string last_error_;
  std::jthread thread_;  // last: it stops first
};

}  // namespace outflow
