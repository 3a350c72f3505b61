#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "tests/bench/datapath/agent_tables.h"
#include "tests/bench/datapath/bench.h"
#include "tests/bench/datapath/measure.h"
#include "tests/bench/datapath/programs.h"

namespace outflow::bench {
namespace {

// Reading the kernel's tables as a report does, sorted; CPU time of user space and kernel.
constexpr double kNsATuple = 450;
// 100,000 tuples at the default interval between reports, 10 s: percent of one processor.
constexpr double kPercentOfACore = 0.5;
constexpr double kIntervalNs = 10e9;
// Counting goes on while tables are read, and nothing may be lost by it.
constexpr double kLost = 0;

constexpr Shape kSyn{.tcp_flags = test::kSyn};

void fill(const AgentTables& ours, const Shapes& shapes, std::uint32_t tuples) {
  run(shapes.walk(ours.from_pod(), tuples, false), packet_of(kSyn), static_cast<int>(tuples));
}

// CPU nanoseconds of reading this many tuples.
double read_ns(const Shapes& shapes, std::uint32_t tuples, std::uint32_t room, int rounds) {
  const AgentTables ours(room);
  fill(ours, shapes, tuples);
  return median_of(interleave({[&] {
                                const double start = thread_cpu_ns();
                                const agent::Cumulative reading = ours.read();
                                const double spent = thread_cpu_ns() - start;
                                require(reading.tuples.size() == tuples, "rows are missing");
                                return spent;
                              }},
                              rounds),
                   0);
}

// Looks again and again until the sender is done; gives how often. No reading may have fewer rows
// or a smaller count than the one before.
int watch(const AgentTables& ours, const std::future<void>& sender) {
  int readings = 0;
  agent::Cumulative before = ours.read();
  while (sender.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    agent::Cumulative now = ours.read();
    require(now.tuples.size() == before.tuples.size(), "a tuple is not in a reading");
    for (std::size_t i = 0; i < now.tuples.size(); ++i) {
      require(now.tuples[i].stats.packets >= before.tuples[i].stats.packets, "a count went back");
    }
    before = std::move(now);
    ++readings;
  }
  return readings;
}

void measure_under_load(const Shapes& shapes, const Options& options, Table& table) {
  constexpr std::uint32_t kTuples = 4'096;
  const int packets = options.repeat * 50;
  const AgentTables ours(kTuplesDefault);
  fill(ours, shapes, kTuples);
  auto sender = std::async(std::launch::async, [&] {
    const Pinned pinned(1);
    run(shapes.walk(ours.from_pod(), kTuples, false), packet_of({}), packets);
  });
  const int readings = watch(ours, sender);
  sender.get();
  const std::uint64_t sent = kTuples + static_cast<std::uint64_t>(packets);
  std::uint64_t counted = 0;
  for (const agent::TupleRow& row : ours.read().tuples) counted += row.stats.packets;
  table.row(fmt::format("packets lost while read {} times", readings),
            {static_cast<double>(sent > counted ? sent - counted : counted - sent),
             fmt::format("of {}", sent), kLost});
}

}  // namespace

void bench_snapshot(const Options& options, Table& table) {
  const Pinned pinned(0);
  const Shapes shapes(Ours().flows());
  const std::uint32_t full = options.smoke ? 2'000 : kTuplesDefault;
  const std::uint32_t many = options.smoke ? 3'000 : 100'000;
  table.row(fmt::format("reading {} tuples", full),
            {read_ns(shapes, full, kTuplesDefault, options.rounds) / full, "ns/tuple", kNsATuple});
  table.row(fmt::format("reading {} tuples every 10 s", many),
            {100 * read_ns(shapes, many, 131'072, options.rounds) / kIntervalNs, "% of a core",
             kPercentOfACore});
  measure_under_load(shapes, options, table);
}

}  // namespace outflow::bench
