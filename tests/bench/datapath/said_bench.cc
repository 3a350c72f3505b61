// What reading what pods say costs: the same object with --tls-names on and off, in the same
// rounds.
#include <bpf/libbpf.h>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "egress.skel.h"

#include "agent/drain.h"
#include "agent/said_hello.h"
#include "tests/bench/datapath/bench.h"
#include "tests/bench/datapath/measure.h"
#include "tests/bench/datapath/programs.h"
#include "tests/support/hello.h"

namespace outflow::bench {
namespace {

// What a known tuple's packet may cost more than without names: a look at one array, no payload.
constexpr double kAddedToKnown = 0.3;
// What an opening may: one row of an array, beside the bare insert.
constexpr double kAddedToNew = 0.3;
// A SYN and a hello of 517 bytes (OpenSSL's, padded as browsers do), copied, once a connection.
constexpr double kAddedByHello = 12;
// A hello in the agent, by OpenSSL: 5,000 a second would be enough for a node.
constexpr double kHelloRead = 200'000;
constexpr int kInsertRoundsMax = 5;
constexpr int kPairs = 200;  // of SYN and hello, before the ring is drained
constexpr std::size_t kHelloBytes = 517;

struct Known {
  const char* name;
  bool v6;
  std::size_t size;
  std::uint32_t tuples;
};
constexpr Known kKnown[] = {{"v4, 74 B", false, kShort, 1},
                            {"v4, 1400 B", false, kLong, 1},
                            {"v4, 4096 tuples", false, kShort, 4'096},
                            {"v6, 94 B", true, kShort, 1},
                            {"v6, 4096 tuples", true, kShort, 4'096}};

void set_names(egress_bpf& object, bool on) {
  object.rodata->said_names = on ? 1 : 0;
  object.rodata->said_max = ~0U;
  object.rodata->second_jiffies = 1;  // a slot that is taken again and again is no loss
}

void measure_known(const Known& known, const Options& options, Table& table) {
  const Ours on([](egress_bpf& object) { set_names(object, true); });
  const Ours off([](egress_bpf& object) { set_names(object, false); });
  const Shapes shapes(on.flows());
  const Bytes syn = packet_of({.v6 = known.v6, .tcp_flags = test::kSyn});
  const Bytes data = packet_of({.v6 = known.v6, .size = known.size});
  const auto called = [&](int program, Order order) {
    return known.tuples == 1 ? program : shapes.walk(program, known.tuples, false, order);
  };
  for (const int program : {shapes.floor(), on.from_pod(), off.from_pod()}) {
    run(called(program, Order::InTurn), syn, static_cast<int>(known.tuples));
  }
  const auto target = [&](int program) {
    return
        [&, program] { return time_run(called(program, Order::Scattered), data, options.repeat); };
  };
  const auto rounds = interleave({target(shapes.null()), target(shapes.floor()),
                                  target(off.from_pod()), target(on.from_pod())},
                                 options.rounds);
  const double floor = median_above(rounds, 1, 0);
  table.row(fmt::format("names, known tuple, TCP {}", known.name),
            {median_above(rounds, 3, 2) / floor, "x floor more", kAddedToKnown},
            {median_of(rounds, 0), floor, median_above(rounds, 2, 0), median_above(rounds, 3, 0)});
}

void measure_new(bool v6, const Options& options, Table& table) {
  const Ours on([](egress_bpf& object) { set_names(object, true); });
  const Ours off([](egress_bpf& object) { set_names(object, false); });
  const Shapes shapes(on.flows());
  const Bytes syn = packet_of({.v6 = v6, .tcp_flags = test::kSyn});
  const std::uint32_t room = options.smoke ? 1'024 : kTuplesDefault;
  const auto target = [&](int program) {
    return [&, program] {
      on.forget();
      off.forget();
      shapes.forget();
      return time_run(shapes.walk(program, room, false), syn, static_cast<int>(room));
    };
  };
  const auto rounds = interleave({target(shapes.null()), target(shapes.bare_insert()),
                                  target(off.from_pod()), target(on.from_pod())},
                                 std::min(options.rounds, kInsertRoundsMax));
  const double bare = median_above(rounds, 1, 0);
  table.row(fmt::format("names, new tuple, SYN {}", v6 ? "v6" : "v4"),
            {median_above(rounds, 3, 2) / bare, "x bare insert more", kAddedToNew},
            {median_of(rounds, 0), bare, median_above(rounds, 2, 0), median_above(rounds, 3, 0)});
}

// A SYN and a hello behind it, each by a run of its own: what a run costs is in all of them.
void measure_hello(const Options& options, Table& table) {
  const Ours on([](egress_bpf& object) { set_names(object, true); });
  const Ours off([](egress_bpf& object) { set_names(object, false); });
  const Shapes shapes(on.flows());
  test::Packet packet;
  packet.ethernet().ipv4("10.0.0.2", "192.0.2.1").tcp(40'000, 443, test::kPsh | test::kAck, 1'001);
  Bytes hello = test::make_hello("api.example.com");
  const std::size_t padding = kHelloBytes - hello.size() - 4;
  hello = test::with_extension(hello, test::kExtensionPadding, Bytes(padding));
  const Bytes data = packet.payload(hello).build();
  const Bytes syn = packet_of({.tcp_flags = test::kSyn});
  std::uint64_t records = 0;
  auto ring = agent::RingReader::open(bpf_map__fd(on.map("said")),
                                      [&records](const void*, std::size_t) { ++records; });
  require(ring.has_value(), "open the said ring");
  const auto target = [&](int program) {
    return [&, program] {
      const double start = thread_cpu_ns();
      for (int i = 0; i < kPairs; ++i) {
        run(program, syn, 1);
        run(program, data, 1);
      }
      const double spent = (thread_cpu_ns() - start) / kPairs;
      ring->take();
      return spent;
    };
  };
  // Short rounds, and many of them: most of each is the system calls.
  const int rounds_many = options.rounds * 20;
  const auto rounds = interleave({target(shapes.null()), target(shapes.floor()),
                                  target(off.from_pod()), target(on.from_pod())},
                                 rounds_many);
  require(records == static_cast<std::uint64_t>(kPairs) * static_cast<unsigned>(rounds_many + 1),
          "not every hello was copied");
  const double floor = median_above(rounds, 1, 0) / 2;  // of one packet of the two
  table.row("names, a connection's SYN and hello of 517 bytes",
            {median_above(rounds, 3, 2) / floor, "x floor more", kAddedByHello},
            {median_of(rounds, 0), floor, median_above(rounds, 2, 0), median_above(rounds, 3, 0)});
}

void measure_reader(const Options& options, Table& table) {
  const auto reader = agent::HelloReader::open();
  require(reader.has_value(), "open the reader of hellos");
  const auto hello = test::make_hello("api.example.com");
  const int hellos = options.smoke ? 10 : 5'000;
  std::vector<double> costs;
  for (int round = 0; round < options.rounds; ++round) {
    const double start = thread_cpu_ns();
    for (int i = 0; i < hellos; ++i) {
      require(reader->read(hello).has_value(), "a hello was not read");
    }
    costs.push_back((thread_cpu_ns() - start) / hellos);
  }
  table.row("a hello read by the agent", {median(std::move(costs)), "ns", kHelloRead});
}

}  // namespace

void bench_said(const Options& options, Table& table) {
  const Pinned pinned(0);
  table.begin("Names that pods say: exporter is from_pod without names here, ours with them");
  for (const Known& known : kKnown) measure_known(known, options, table);
  for (const bool v6 : {false, true}) measure_new(v6, options, table);
  measure_hello(options, table);
  measure_reader(options, table);
}

}  // namespace outflow::bench
