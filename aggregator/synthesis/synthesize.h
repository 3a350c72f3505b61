// Findings -> policy. Pure, and the same bytes for the same evidence.
#pragma once

#include <span>
#include <string>

#include "aggregator/analysis/name_sets.h"
#include "aggregator/inventory/snapshot.h"
#include "aggregator/synthesis/names.h"
#include "aggregator/synthesis/policy.h"

namespace outflow::synthesis {

// One allowlist for one namespace: what was proven gets a rule, everything else seen a comment, the
// last rule denies. The header says the horizon, the losses, which egress NetworkPolicies our Allow
// would widen, and which of Calico's own policies decide before it, or that they are not known.
// A name gets a rule where the dialect has names, or where `sets` (analysis::name_sets_of) says
// that its addresses are known; those sets are the policy's. Refused, with the reason in the header
// and no rules at all: more than kRulesMax rules, and a namespace whose name is no Kubernetes name.
[[nodiscard]] GlobalNetworkPolicy synthesize(const analysis::Finding& finding,
                                             const inventory::Snapshot& snapshot,
                                             const Options& options,
                                             std::span<const analysis::NameSet> sets = {});

// What the policy would say about one need of a finding's: "allow: service kube-system/kube-dns" or
// "no rule: ...". Of a name it is what `names` can do.
[[nodiscard]] std::string verdict_of(const analysis::Need& need,
                                     std::span<const analysis::Need> needs, const Names& names);

}  // namespace outflow::synthesis
