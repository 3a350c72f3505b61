// What one set is to hold next: wanted + current -> nets, and what is refused. Pure.
//
// Opening and closing are both dangerous. What is wanted and may be is added at once. What is there
// and no longer wanted stays until every answer for Rules::remove_after did without it and the last
// one is complete; and never does all that is there leave in one step (so that a set whose whole
// content changed has old and new for a moment), unless Rules::may_empty. A set that became
// empty stays as it is; one that became unusable gets what is new, and nothing leaves it.
#pragma once

#include <map>
#include <vector>

#include "aggregator/apply/set.h"

namespace outflow::apply {

// Since when answers do without a net that the cluster has.
using Absences = std::map<net::Prefix, TimePoint>;

struct Plan {
  std::vector<net::Prefix> nets;  // what the set is to hold: sorted
  std::size_t added = 0;
  std::size_t removed = 0;
  std::size_t kept = 0;  // no longer wanted, and still there
  std::vector<Refusal> refusals;
  Absences absences;  // for the next plan of this set

  [[nodiscard]] bool changes() const { return added + removed > 0; }
};

struct Before {
  const Current* current = nullptr;  // null: not there
  Absences absences = {};            // of its last plan
};

// Reasons beside those of admit(): "foreign" (it does not carry our label), "unreadable" (it holds
// a net that is none), "unusable", "too_many", "would_empty", "incomplete".
[[nodiscard]] Plan plan(const Wanted& wanted, const Before& before, const Rules& rules,
                        const Trust& trust, TimePoint now);

}  // namespace outflow::apply
