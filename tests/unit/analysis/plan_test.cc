#include "aggregator/analysis/plan.h"

#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using namespace outflow::analysis;

namespace {

// `internal` workloads and `external` addresses used.
Finding with(const std::string& name, int internal, int external, std::uint32_t days = 7) {
  std::vector<store::History> records;
  records.reserve(static_cast<std::size_t>(internal + external));
  for (int i = 0; i < internal; ++i) {
    records.push_back(record(workload("dbaas", "db" + std::to_string(i)), 3306));
  }
  for (int i = 0; i < external; ++i) {
    records.push_back(record(outside("192.0.2." + std::to_string(i + 1))));
  }
  return finding(records, name, valid_days(days));
}

std::vector<std::string> waves(const std::vector<PlanRow>& rows) {
  std::vector<std::string> result;
  result.reserve(rows.size());
  for (const PlanRow& row : rows) result.push_back(row.wave + " " + row.namespace_name);
  return result;
}

}  // namespace

TEST_CASE("the simplest is the pilot, the others follow in waves by tier, needs and name",
          "[plan]") {
  const std::vector<Finding> findings{with("c-moderate", 0, 10), with("b-two", 0, 2),
                                      with("a-two", 2, 0),       with("a-one", 1, 0),
                                      with("b-one", 0, 1),       with("open", 0, 60)};
  const auto rows = plan(findings, Preset::Default, 2);

  CHECK(waves(rows) == std::vector<std::string>{"pilot a-one", "1 a-two", "1 b-one", "2 b-two",
                                                "2 c-moderate", "never-static open"});
  for (const PlanRow& row : rows) CHECK_FALSE(row.reason.empty());
  CHECK(rows[0].reason.starts_with("the simplest that sends anything, with enough evidence: "));
}

TEST_CASE("a namespace under the horizon waits and says why; an open one never goes", "[plan]") {
  const auto rows =
      plan(std::vector<Finding>{with("young", 1, 0, 2), with("open", 0, 60, 0), with("old", 3, 0)},
           Preset::Default, 0);

  CHECK(waves(rows) == std::vector<std::string>{"pilot old", "hold young", "never-static open"});
  CHECK(rows[1].reason == "2 of 7 valid days (1 day (2026-05-18): still running)");
  CHECK(rows[2].reason.find("raw external 60 >= 50") != std::string::npos);
}

TEST_CASE("neither a moderate namespace nor one with nothing to allow is a pilot", "[plan]") {
  const auto rows =
      plan(std::vector<Finding>{with("moderate", 0, 10), with("silent", 0, 0)}, Preset::Default, 0);

  CHECK(waves(rows) == std::vector<std::string>{"1 silent", "1 moderate"});
  CHECK_FALSE(rows[0].tier);
  CHECK(rows[0].reason == "no evidence: nothing was sent in 7 valid days");
}

TEST_CASE("the preset decides the tier a plan goes by", "[plan]") {
  const std::vector<Finding> findings{with("open", 0, 19)};

  CHECK(plan(findings, Preset::Study, 0)[0].wave == "never-static");
  CHECK(plan(findings, Preset::Default, 0)[0].wave == "1");
}
