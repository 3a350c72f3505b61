// The real program upgrades a store of the format before, and is killed at random moments.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <thread>

#include "aggregator/store/store.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/samples.h"
#include "tests/unit/store/samples_v1.h"

using namespace outflow;
using namespace outflow::store;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t kRecords = 30'000;
constexpr int kRounds = 6;

pid_t upgrading(const std::string& directory) {
  std::vector<std::string> arguments = {std::string(OUTFLOW_BINARY_DIR) + "/outflow-aggregator",
                                        "upgrade", "--data-dir=" + directory, "--log-level=error"};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  REQUIRE(::posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ) == 0);
  return pid;
}

int ended(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

TEST_CASE("an upgrade killed at random moments and run again has every record once", "[kill]") {
  const test::TempDir dir;
  {
    const auto db = raw_v1(dir / "old");
    REQUIRE(db->Put({}, format_key(), rocksdb::Slice(kFormatV1)).ok());
    rocksdb::WriteBatch rows;
    for (std::uint16_t port = 1; port <= kRecords; ++port) {
      const History row = record("web", port);
      REQUIRE(rows.Merge(key_v1(row), value_v1(row)).ok());
    }
    REQUIRE(db->Write({}, &rows).ok());
  }
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  // How long a whole one takes: kills come within that time.
  std::filesystem::copy(dir / "old", dir / "whole");
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(ended(upgrading(dir / "whole")) == 0);
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  int kills = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string here = dir / std::to_string(round);
    std::filesystem::copy(dir / "old", here);
    for (int tries = 0; tries < 4; ++tries) {
      const pid_t pid = upgrading(here);
      std::this_thread::sleep_for(whole * static_cast<int>(random() % 100) / 100);
      ::kill(pid, SIGKILL);
      kills += ended(pid) == -SIGKILL ? 1 : 0;
    }
    REQUIRE(ended(upgrading(here)) == 0);

    const auto store = Store::open(here, std::chrono::days(4000));
    REQUIRE(store);
    std::uint64_t packets = 0;
    for (const History& row : all(**store)) packets += row.stats.packets;
    CHECK(packets == kRecords);
  }
  WARN(kills << " kills within " << whole.count() << " ms");
}
