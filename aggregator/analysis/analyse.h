// Folds history into findings, one namespace at a time. Pure.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "aggregator/analysis/finding.h"
#include "aggregator/analysis/generalise.h"
#include "aggregator/inventory/snapshot.h"

namespace outflow::analysis {

// Adds what a record knows of its name: the naming that stays is that of the later one, which is
// the record's when it is `newer`.
void merge_naming(const store::History& history, bool newer, attribution::NameEvidence& naming);

class Analysis {
 public:
  explicit Analysis(std::string namespace_name);
  ~Analysis();
  Analysis(Analysis&&) noexcept;

  // Records of other namespaces are a programming error (assert). Order does not matter.
  void add(const store::History& history);
  // Names become classes (generalise.h) before anything is counted; each judged and apart by
  // itself.
  [[nodiscard]] Finding finish(Horizon horizon, const GeneraliseOptions& options = {}) &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The valid days of one namespace in from..to. A day counts when the namespace had a hooked
// interface, every node it ran on (by presence, and by running pods of the inventory) reported for
// the whole day but 0.1 % (kGapMax), and none of them lost anything. The day that is still running
// never counts. Days before a node's first report do not count either, but leave nothing
// incomplete.
inline constexpr nanoseconds kGapMax = std::chrono::milliseconds(86'400);  // 0.1 % of a day
struct Watched {
  std::span<const store::NodeDay> node_days;  // all that are kept: the first one is the beginning
  std::span<const store::Presence> presences;
};
[[nodiscard]] Horizon horizon_of(const std::string& namespace_name, const Watched& watched,
                                 const inventory::Snapshot& snapshot, Interval window);

}  // namespace outflow::analysis
