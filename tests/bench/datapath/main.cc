// What a packet costs in our hooks and on its way, and what the tables and the agent take, beside
// what it costs at least: one table of ratios, measured in the same rounds. Exit 1 when a goal is
// missed, 2 when something cannot be measured.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/bench/datapath/bench.h"

namespace {

using namespace outflow::bench;

struct Part {
  const char* name = nullptr;
  void (*measure)(const Options&, Table&) = nullptr;
};
constexpr std::array<Part, 8> kParts{{{"hooks", bench_hooks},
                                      {"hooks", bench_dns_cost},
                                      {"hooks", bench_dns_rate},
                                      {"names", bench_said},
                                      {"live", bench_live},
                                      {"tables", bench_tables},
                                      {"tables", bench_snapshot},
                                      {"agent", bench_agent}}};

Options smoke_options() {
  Options options;
  options.smoke = true;
  options.rounds = 1;
  options.repeat = 2'000;
  options.live_cell = std::chrono::milliseconds(20);
  options.dns_time = std::chrono::milliseconds(100);
  options.peers = 10;
  options.agent_tuples = 100;
  return options;
}

// Mounts made from here on are nobody else's, and gone with the process.
bool own_mounts() {
  return unshare(CLONE_NEWNS) == 0 &&
         mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

int measure(const std::vector<std::string>& wanted, const Options& options) {
  Table table(!options.smoke);
  for (const Part& part : kParts) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), part.name) == wanted.end()) {
      continue;
    }
    part.measure(options, table);
  }
  fmt::print("\n{} cases, {} missed, {} skipped\n", table.rows(), table.missed(), table.skipped());
  return table.missed() == 0 ? 0 : 1;
}

int without_root(bool smoke) {
  const char* required = std::getenv("OUTFLOW_REQUIRE_PRIVILEGED");
  const bool must = required != nullptr && std::string_view(required) == "1";
  const bool skip = smoke && !must;
  std::puts(skip ? "SKIP: needs root" : "bench_datapath: needs root");
  return skip ? 77 : 2;
}

int bench(int argc, char** argv) {
  CLI::App app{"Costs of the datapath, as ratios measured in the same rounds.", "bench_datapath"};
  std::vector<std::string> wanted;
  int rounds = 0;
  bool smoke = false;
  app.add_option("PART", wanted, "hooks, names, live, tables, agent; all unless named")
      ->check(CLI::IsMember({"hooks", "names", "live", "tables", "agent"}));
  app.add_option("--rounds", rounds, "of which medians are taken; 9 unless given")
      ->check(CLI::Range(1, 1'000));
  app.add_flag("--smoke", smoke, "everything once and short, no goals: does it run?");
  CLI11_PARSE(app, argc, argv);
  if (geteuid() != 0) return without_root(smoke);

  Options options = smoke ? smoke_options() : Options{};
  if (rounds > 0) options.rounds = rounds;
  if (!own_mounts()) throw std::runtime_error("cannot have mounts of its own");
  return measure(wanted, options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return bench(argc, argv);
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "bench_datapath: %s\n", failed.what());
    return 2;
  }
}
