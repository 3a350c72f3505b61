// Evidence in, policy out, byte for byte. OUTFLOW_UPDATE_GOLDEN=1 writes what comes out as what is
// expected; read the difference before committing it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "aggregator/export/yaml.h"
#include "aggregator/synthesis/synthesize.h"
#include "tests/golden/scenario.h"
#include "tests/support/catch.h"
#include "tests/support/policy_structure.h"

using namespace outflow;
using namespace outflow::testing;

namespace {

std::vector<std::filesystem::path> scenario_folders() {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry :
       std::filesystem::directory_iterator(OUTFLOW_SOURCE_DIR "/tests/golden/policies")) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

std::string write_policy(const std::filesystem::path& folder) {
  const Scenario scenario = read_scenario(folder / "evidence.json");
  const inventory::Snapshot snapshot(scenario.inventory, TimePoint());
  return exporting::to_yaml(
             synthesis::synthesize(scenario.finding, snapshot, scenario.options, scenario.sets))
      .value();
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return (std::ostringstream() << stream.rdbuf()).str();
}

bool is_updating() {
  const char* value = std::getenv("OUTFLOW_UPDATE_GOLDEN");  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace

TEST_CASE("every scenario's evidence gives its policy, byte for byte", "[golden]") {
  const auto folders = scenario_folders();
  REQUIRE(folders.size() >= 7);
  for (const auto& folder : folders) {
    INFO(folder.filename().string());
    const std::string policy = write_policy(folder);
    if (is_updating()) std::ofstream(folder / "policy.yaml") << policy;

    CHECK(policy == read_file(folder / "policy.yaml"));
  }
}

TEST_CASE("every golden policy is one Calico takes as meant", "[golden]") {
  for (const auto& folder : scenario_folders()) {
    INFO(folder.filename().string());
    const Scenario scenario = read_scenario(folder / "evidence.json");
    CHECK(defects_of_policy(read_file(folder / "policy.yaml"),
                            has_domains(scenario.options.dialect)) == std::vector<std::string>{});
  }
}
