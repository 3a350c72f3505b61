#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "egress.skel.h"

#include "tests/bench/datapath/bench.h"
#include "tests/bench/datapath/measure.h"
#include "tests/bench/datapath/programs.h"

namespace outflow::bench {
namespace {

// What the kernel itself says a map takes.
constexpr double kBytesATuple = 130;
constexpr double kDefaultsMib = 14;  // every map, rings included
constexpr std::uint32_t kTuplesMax = 1U << 20U;
constexpr double kTuplesMissing = 0;  // of so many
constexpr double kLoadMs = 100;
constexpr double kVerifiedInstructions = 20'000;  // all programs together
constexpr int kLoads = 5;

std::uint64_t memory_of(const bpf_map* map) {
  std::ifstream in(fmt::format("/proc/self/fdinfo/{}", bpf_map__fd(map)));
  for (std::string word; in >> word;) {
    std::uint64_t bytes = 0;
    if (word == "memlock:" && in >> bytes) return bytes;
  }
  throw std::runtime_error("this kernel does not say what a map takes");
}

std::uint64_t memory_of_all(const bpf_object* object) {
  std::uint64_t sum = 0;
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) sum += memory_of(map);
  return sum;
}

double mib(std::uint64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

void measure_memory(Table& table) {
  const Ours ours;
  const double tuple = static_cast<double>(memory_of(ours.flows())) /
                       static_cast<double>(bpf_map__max_entries(ours.flows()));
  table.row("kernel memory of a tuple", {tuple, "B", kBytesATuple});
  table.row("kernel memory of all maps at the defaults",
            {mib(memory_of_all(ours.object())), "MiB", kDefaultsMib});
  std::string largest = "of it:";
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, ours.object()) {
    if (memory_of(map) < 1 << 18) continue;
    largest += fmt::format(" {} {:.2f} MiB,", bpf_map__name(map), mib(memory_of(map)));
  }
  table.note(largest + " the rest below 0.25 MiB each");
}

void measure_a_million(const Options& options, Table& table) {
  const Ours ours(
      [](egress_bpf& object) { bpf_map__set_max_entries(object.maps.flows, kTuplesMax); });
  const std::uint32_t sent = options.smoke ? 10'000 : kTuplesMax;
  const Shapes shapes(Ours().flows());
  run(shapes.walk(ours.from_pod(), sent, false), packet_of({.tcp_flags = test::kSyn}),
      static_cast<int>(sent));
  const std::uint64_t there = rows_of(ours.flows());
  table.row(fmt::format("tuples missing, of {} in a table of {}", sent, kTuplesMax),
            {static_cast<double>(sent - there), "tuples", kTuplesMissing});
  table.note(fmt::format("that table takes {:.1f} MiB", mib(memory_of(ours.flows()))));
}

void measure_load(Table& table) {
  std::vector<double> milliseconds;
  for (int i = 0; i < kLoads; ++i) {
    const double start = wall_ns();
    const Ours ours;
    milliseconds.push_back((wall_ns() - start) / 1e6);
  }
  table.row("load and verify", {median(milliseconds), "ms", kLoadMs});

  const Ours ours;
  std::uint64_t sum = 0;
  std::string each = "of them:";
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, ours.object()) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    require(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0, "program info");
    sum += info.verified_insns;
    each += fmt::format(" {} {}", bpf_program__name(program), info.verified_insns);
  }
  table.row("verified instructions",
            {static_cast<double>(sum), "instructions", kVerifiedInstructions});
  table.note(each);
}

}  // namespace

void bench_tables(const Options& options, Table& table) {
  table.begin("Tables");
  measure_memory(table);
  measure_a_million(options, table);
  measure_load(table);
}

}  // namespace outflow::bench
