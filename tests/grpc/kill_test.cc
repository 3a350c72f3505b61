// The real program, killed at random moments while agents send until they are acknowledged.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <thread>

#include "aggregator/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/stub_agent.h"
#include "tests/support/temp_dir.h"

using namespace outflow;
using namespace std::chrono_literals;
using outflow::test::sample_report;

namespace {

constexpr int kNodes = 3;
constexpr std::uint64_t kBatches = 200;
constexpr std::uint16_t kFlows = 20;
constexpr int kKills = 15;

pid_t spawned(std::vector<std::string> arguments) {
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

// Sends every batch until it is acknowledged.
void send_all(const std::stop_token& stop, const std::string& target, const std::string& node,
              std::atomic<int>& repeats) {
  test::StubAgent agent(target);
  for (std::uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
    while (!agent.send(sample_report(sequence, kFlows, node)).ok() && !stop.stop_requested()) {
      ++repeats;
      std::this_thread::sleep_for(5ms);
    }
    std::this_thread::sleep_for(10ms);
  }
}

}  // namespace

TEST_CASE("an aggregator killed at random moments merges every batch exactly once", "[kill]") {
  const test::TempDir dir;
  const std::string target = "unix:" + (dir / "socket");
  const std::vector<std::string> command = {std::string(OUTFLOW_BINARY_DIR) + "/outflow-aggregator",
                                            "--listen=" + target,
                                            "--http-listen",
                                            "",
                                            "--data-dir=" + (dir / "store"),
                                            "--log-level=error"};
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::atomic<int> running = kNodes;
  std::atomic<int> repeats = 0;
  std::vector<std::jthread> agents;
  pid_t pid = spawned(command);
  for (int n = 0; n < kNodes; ++n) {
    agents.emplace_back([&, n](const std::stop_token& stop) {
      send_all(stop, target, "node-" + std::to_string(n), repeats);
      --running;
    });
  }
  int kills = 0;
  while (running > 0) {
    std::this_thread::sleep_for(100ms + std::chrono::milliseconds(random() % 300));
    if (kills == kKills) continue;  // now let them come to an end
    ::kill(pid, SIGKILL);
    REQUIRE(ended(pid) == -SIGKILL);
    ++kills;
    pid = spawned(command);
  }
  for (std::jthread& agent : agents) agent.join();
  ::kill(pid, SIGTERM);
  CHECK(ended(pid) == 0);

  const auto store = store::Store::open(dir / "store", std::chrono::days(4000));
  REQUIRE(store);
  std::uint64_t records = 0;
  std::uint64_t wrong = 0;
  const Day day = day_of(*parse_time(test::kReportStart));
  CHECK((*store)->scan(std::nullopt, day, day, [&](const store::History& history) {
    ++records;
    wrong += history.stats.packets == kBatches && history.stats.bytes == 60 * kBatches ? 0 : 1;
    return true;
  }));
  CHECK(records == kNodes * kFlows);
  CHECK(wrong == 0);
  const auto days = *(*store)->node_days(day, day);
  REQUIRE(days.size() == kNodes);
  for (const store::NodeDay& node_day : days) {
    CHECK(node_day.covered == 10s * kBatches);
    CHECK(node_day.losses.empty());
  }
  CHECK(kills == kKills);
  WARN(kills << " kills, " << repeats << " tries without acknowledgement");
}
