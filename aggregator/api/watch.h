// How well each node was watched in a window. Pure.
#pragma once

#include <map>
#include <span>
#include <string>

#include "aggregator/inventory/snapshot.h"
#include "aggregator/store/history.h"
#include "common/clock.h"

namespace outflow::api {

// An agent reports every few seconds and, while the aggregator is away, backs off to a minute.
inline constexpr nanoseconds kLateAfter = std::chrono::minutes(2);

struct NodeWatch {
  bool in_inventory = false;
  bool reported = false;    // at least once in the window
  bool late = false;        // nothing for kLateAfter
  TimePoint last_report{};  // epoch: never
  std::string trouble;      // losses or gaps in the window, as a sentence's end; "" when none
};
using NodeWatches = std::map<std::string, NodeWatch>;

struct WatchInput {
  // All that are kept: those before the window tell a node's first day from a gap, since nobody
  // watched before the agent came.
  std::span<const store::NodeDay> node_days;
  std::span<const store::NodeMark> marks;
  Interval window;  // its end is now
};

// Every node of the inventory and every one that reported in the window.
[[nodiscard]] NodeWatches watch_nodes(const WatchInput& input, const inventory::Snapshot& snapshot);

}  // namespace outflow::api
