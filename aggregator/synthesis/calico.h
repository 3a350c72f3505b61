// Which of Calico's own policies may decide before one of ours. Pure.
//
// Tiers come by order, in a tier policies by order (none: last; ties by name, so an equal order
// counts as before ours), and the first Allow or Deny decides; ours is in the tier "default".
// Only what limits egress and allows or denies is named. Namespaced policies of other namespaces
// are not, nor global ones whose namespaceSelector does not match: it is evaluated where it is a
// conjunction of plain requirements, and else counts as matching, as every selector of pods does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aggregator/inventory/snapshot.h"

namespace outflow::synthesis {

// "GlobalNetworkPolicy allow-dns (tier default, order 100, allows)", by tier, order and name.
[[nodiscard]] std::vector<std::string> decides_before(const std::string& namespace_name,
                                                      double order,
                                                      const inventory::Snapshot& snapshot);

// False only where a Calico selector certainly does not match the labels.
[[nodiscard]] bool may_select(std::string_view calico_selector, const inventory::Labels& labels);

}  // namespace outflow::synthesis
