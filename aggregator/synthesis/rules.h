// Needs -> Allow rules. Pure.
#pragma once

#include <span>
#include <vector>

#include "aggregator/inventory/snapshot.h"
#include "aggregator/synthesis/names.h"
#include "aggregator/synthesis/policy.h"

namespace outflow::synthesis {

// Rules for the needs that neither why_no_rule() nor why_no_name_rule() refuses: DNS first, over
// UDP and TCP both, then in the order of the needs. Several ports of one peer and protocol share a
// rule; a service has one rule per protocol, because a `services` rule covers all its ports and may
// not name any. No rule has more than kNetsMax nets, of one family, nor more than kPortsMax ports.
[[nodiscard]] std::vector<Rule> allow_rules(std::span<const analysis::Need> needs,
                                            const inventory::Snapshot& snapshot,
                                            const Names& names = {});

}  // namespace outflow::synthesis
