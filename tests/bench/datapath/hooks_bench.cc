#include <bpf/libbpf.h>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "tests/bench/datapath/bench.h"
#include "tests/bench/datapath/cases.h"
#include "tests/bench/datapath/measure.h"
#include "tests/bench/datapath/programs.h"

namespace outflow::bench {
namespace {

// A new tuple against a hash table's insert of the same sizes, both above null: the rest is the
// parser, the lookup that found nothing and the counters.
constexpr double kNewTuple = 1.5;
// Inserts fill the table up, so they are fewer than --rounds.
constexpr int kInsertRoundsMax = 5;
constexpr std::uint32_t kSmokeTuplesMax = 4'096;

enum Program : std::size_t { Null, Floor, Exporter, Own };

double time_case(const Shapes& shapes, int program, const Case& one, int repeat) {
  const Bytes packet = packet_of(one.packet);
  if (one.tuples == 1) return time_run(program, packet, repeat);
  const int walk = shapes.walk(program, one.tuples, one.packet.to_pod, Order::Scattered);
  return time_run(walk, packet, repeat);
}

// One packet of the shape for each of the tuples, in turn.
void fill(const Shapes& shapes, int program, const Shape& shape, std::uint32_t tuples) {
  const int called = tuples == 1 ? program : shapes.walk(program, tuples, shape.to_pod);
  run(called, packet_of(shape), static_cast<int>(tuples));
}

void set_up(const Ours& ours, const Shapes& shapes, const Case& one) {
  ours.forget();
  shapes.forget();
  for (const Shape& shape : one.before) {
    fill(shapes, ours.hook(shape.to_pod), shape, one.tuples);
    if (!shape.to_pod) {
      require(rows_of(ours.flows()) == one.tuples, one.name + ": the tuples are not there");
    }
  }
  for (const int program : {shapes.floor(), shapes.exporter()}) {
    fill(shapes, program, one.packet, one.tuples);
  }
}

void measure_case(const Ours& ours, const Shapes& shapes, const Case& one, const Options& options,
                  Table& table) {
  set_up(ours, shapes, one);
  const auto target = [&](int program) {
    return [&, program] { return time_case(shapes, program, one, options.repeat); };
  };
  const std::vector<std::uint64_t> before = ours.counts();
  const auto rounds = interleave({target(shapes.null()), target(shapes.floor()),
                                  target(shapes.exporter()), target(ours.hook(one.packet.to_pod))},
                                 options.rounds);
  if (one.ends) {
    // The numbers are of the path they are said to be of.
    const std::uint64_t sent =
        static_cast<std::uint64_t>(options.repeat) * static_cast<std::uint64_t>(options.rounds + 1);
    require(ours.counts().at(*one.ends) - before.at(*one.ends) == sent,
            one.name + ": packets ended in another counter");
  }
  const Costs costs{median_of(rounds, Null), median_above(rounds, Floor, Null),
                    median_above(rounds, Exporter, Null), median_above(rounds, Own, Null)};
  table.row(one.name, {*costs.ours / *costs.floor, "x floor", one.goal}, costs);
}

void measure_inserts(const Ours& ours, const Shapes& shapes, bool v6, const Options& options,
                     Table& table) {
  const Bytes syn = packet_of({.v6 = v6, .tcp_flags = test::kSyn});
  const std::uint32_t room = options.smoke ? 1'024 : kTuplesDefault;
  const auto target = [&](int program) {
    return [&, program] {
      ours.forget();
      shapes.forget();
      return time_run(shapes.walk(program, room, false), syn, static_cast<int>(room));
    };
  };
  const auto rounds =
      interleave({target(shapes.null()), target(shapes.bare_insert()), target(ours.from_pod())},
                 std::min(options.rounds, kInsertRoundsMax));
  require(rows_of(ours.flows()) == room, "the inserted tuples are not there");
  const double bare = median_above(rounds, 1, 0);
  const double own = median_above(rounds, 2, 0);
  table.row(fmt::format("new tuple, SYN {}, floor: a bare insert", v6 ? "v6" : "v4"),
            {own / bare, "x bare insert", kNewTuple}, {median_of(rounds, 0), bare, {}, own});
}

}  // namespace

void bench_hooks(const Options& options, Table& table) {
  const Pinned pinned(0);
  const Ours ours;
  const Shapes shapes(ours.flows());
  table.begin(
      fmt::format("Hooks: ns a packet; null is whole, the others above it; medians of {} "
                  "rounds of {} packets",
                  options.rounds, options.repeat));
  for (const Case& one : hook_cases()) {
    if (options.smoke && one.tuples > kSmokeTuplesMax) continue;
    if (one.tuples == 1) {
      measure_case(ours, shapes, one, options, table);
    } else {
      // Where rows lie depends on what was deleted before: everybody's tables are new.
      const Ours fresh;
      measure_case(fresh, Shapes(fresh.flows()), one, options, table);
    }
  }
  for (const bool v6 : {false, true}) measure_inserts(ours, shapes, v6, options, table);
}

}  // namespace outflow::bench
