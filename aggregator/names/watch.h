// How well the answers of each node were seen: whether a lookup may have been missed. One thread at
// a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/flow.h"

namespace outflow::names {

class Watch {
 public:
  // False: this report, or a later one of its boot, was here already.
  [[nodiscard]] bool hear(const Report& report);

  // What is known of a node whose reports ended before us. `covered` is how long it was watched up
  // to there; whether a pod was there before is not known, so all were.
  struct Before {
    std::string node;
    BootId boot{};
    std::uint64_t sequence = 0;
    TimePoint last_end{};
    nanoseconds covered{0};
    std::string loss;  // a reason, when something was lost not long before; "" when not
  };
  void restore(const Before& before);

  // The end of the node's last report; epoch when it never reported.
  [[nodiscard]] TimePoint heard_until(const std::string& node) const;

  // Where the interval began that this report belongs to: all of an interval's reports but the
  // first are of no time.
  [[nodiscard]] TimePoint interval_start(const Report& report) const;

  // Why a lookup of this interface's pod before `time` may have been missed; nullopt: it would have
  // been seen.
  [[nodiscard]] std::optional<std::string> missed(const std::string& node,
                                                  std::uint64_t interface_id, TimePoint time) const;

 private:
  struct Gap {
    Interval interval;
    std::string reason;
  };
  struct Node {
    BootId boot{};
    std::uint64_t sequence = 0;
    TimePoint watched_since{};
    std::uint64_t first_interfaces_max = 0;  // ids up to here were there when watching began
    Interval interval;                       // the last one that took time
    std::vector<Gap> gaps;                   // of the last hours, at most kGapsMax
  };
  static constexpr std::size_t kGapsMax = 64;

  static void add_gap(Node& node, const Interval& interval, const std::string& reason);

  std::unordered_map<std::string, Node> nodes_;
};

}  // namespace outflow::names
