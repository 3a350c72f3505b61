// The comments above a policy: what it is, what it rests on, and what it leaves out. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "aggregator/inventory/snapshot.h"
#include "aggregator/synthesis/names.h"
#include "aggregator/synthesis/policy.h"

namespace outflow::synthesis {

// One line per need without a rule: what, why, when.
[[nodiscard]] std::vector<std::string> comments_of(std::span<const analysis::Need> needs,
                                                   const Names& names);

// `allows` is how many Allow rules there are, `commented` how many needs got none.
struct Tally {
  std::size_t allows = 0;
  std::size_t commented = 0;
  std::string refused;       // why no policy is written; "" when one is
  std::size_t named = 0;     // rules that lead to a name, by `domains` or by a set
  std::size_t nameless = 0;  // of commented: proven, but no rule can say the name
};
[[nodiscard]] std::vector<std::string> header_of(const analysis::Finding& finding,
                                                 const inventory::Snapshot& snapshot,
                                                 const Tally& tally, const Options& options);

}  // namespace outflow::synthesis
