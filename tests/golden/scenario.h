// Reads a golden scenario: the evidence of one namespace and what the inventory knows, as small
// JSON in which a test writes only what it is about.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "aggregator/analysis/finding.h"
#include "aggregator/analysis/name_sets.h"
#include "aggregator/inventory/snapshot.h"
#include "aggregator/synthesis/policy.h"

namespace outflow::testing {

struct Scenario {
  analysis::Finding finding;
  inventory::Model inventory;
  synthesis::Options options;
  std::vector<analysis::NameSet> sets;
};

// {"namespace", "order", "horizon": {"valid_days", "incomplete", "reasons"},
//  "services": [{"namespace", "name", "addresses", "ports"}],
//  "egress_policies": [{"namespace", "name"}] (left out: nobody asked for NetworkPolicies),
//  "pods": [{"namespace", "name", "workload", "host_network"}],
//  "dialect", "sets", "now": for names,
//  "answers": [{"name", "addresses", "answers", "trusted"}] (each of all the day before "now"),
//  "records": [{"day", "kind", "to", "port", "protocol", ...}]}
// Throws what nlohmann does on anything else: a broken scenario is a broken test.
[[nodiscard]] Scenario read_scenario(const std::filesystem::path& file);

}  // namespace outflow::testing
