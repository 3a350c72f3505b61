// The comments above a policy: what it is, what it rests on, and what it leaves out. Pure.
#pragma once

#include <string>
#include <vector>

#include "aggregator/inventory/snapshot.h"
#include "aggregator/synthesis/policy.h"

namespace outflow::synthesis {

// One line per need without a rule: what, why, when.
[[nodiscard]] std::vector<std::string> comments_of(const analysis::Finding& finding);

// `allows` is how many Allow rules there are, `commented` how many needs got none.
struct Tally {
  std::size_t allows = 0;
  std::size_t commented = 0;
  std::string refused;  // why no policy is written; "" when one is
};
[[nodiscard]] std::vector<std::string> header_of(const analysis::Finding& finding,
                                                 const inventory::Snapshot& snapshot,
                                                 const Tally& tally, const Options& options);

}  // namespace outflow::synthesis
