// What names cost the aggregator: bytes of memory for each (pod, address, name) it knows, and the
// CPU time of an answer from the wire into the index and the store. Exit 1 when a goal is missed.
//
//   bench_name_index [--smoke]      --smoke: small, and no goals
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "aggregator/additions.h"
#include "aggregator/inventory/snapshot.h"
#include "aggregator/namer.h"
#include "proto/wire.h"

namespace {

using namespace outflow;
using namespace std::chrono_literals;

// A few dozens of bytes for what is unique to an interval, and its share of a balanced tree.
constexpr double kBytesGoal = 80;
// 50,000 answers a second through agent and aggregator on one processor, each in a row of its own:
// 20 us, of which the agent has 5 (main.cc).
constexpr double kAnswerGoal = 15'000;
// A connection that has to be named, with everything else that is done to it: as much as an answer.
constexpr double kFlowGoal = 15'000;
// Batches wait while names are swept, once a minute.
constexpr double kSweepGoal = 0.5;

constexpr std::size_t kIntervals = 1'000'000;
constexpr std::size_t kSmokeIntervals = 20'000;
constexpr std::uint64_t kPods = 50;          // of a node
constexpr std::size_t kNames = 20'000;       // of the cluster
constexpr std::size_t kRowsOfBatch = 5'000;  // a tenth of a second, in one report
constexpr std::size_t kNodes = 20;
const TimePoint kStart = from_unix_ns(1'779'000'000'000'000'000);

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);  // RocksDB's threads as well
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::size_t heap_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Names have three addresses each, an alias, and 20,000 of them are asked for by everybody.
net::Address address_of(std::size_t number) {
  const auto high = static_cast<std::uint8_t>(number / 65536 % 16 + 100);
  const std::uint8_t bytes[] = {high, static_cast<std::uint8_t>(number / 256 % 256),
                                static_cast<std::uint8_t>(number % 256), 7};
  return *net::Address::from_bytes(bytes);
}

NameAnswer answer_of(std::size_t number, TimePoint time) {
  const std::size_t name = number / kPods % kNames;
  NameAnswer answer;
  answer.interface_id = 1 + number % kPods;
  answer.name = fmt::format("service-{}.region-{}.provider.example", name, name % 7);
  answer.target = fmt::format("d{}.edge.example.net", name);
  answer.address = address_of(name * 3 + number / kPods / kNames % 3);
  answer.resolver = *net::Address::parse("169.254.20.10");
  answer.ttl_s = 60;
  answer.answers = 1;
  answer.first_answered = answer.last_answered = time;
  return answer;
}

class Nodes {
 public:
  // The next report of the nodes, in turn.
  Report next() {
    const std::size_t node = reports_ % kNodes;
    const std::size_t sequence = ++reports_;
    Report report;
    report.node = fmt::format("ip-10-0-0-{}.eu-central-1.compute.internal", node);
    report.boot = {7};
    report.sequence = sequence;
    report.reads_names = true;
    report.interval = {kStart + 100ms * (sequence - 1), kStart + 100ms * sequence};
    for (std::uint64_t id = 1; id <= kPods; ++id) {
      report.interfaces.push_back({id, fmt::format("cali{:011}", node * kPods + id), {}});
    }
    return report;
  }
  Report answers(std::size_t rows) {
    Report report = next();
    std::size_t& told = told_[(reports_ - 1) % kNodes];
    for (std::size_t row = 0; row < rows; ++row) {
      report.answers.push_back(answer_of(told++, report.interval.start));
    }
    return report;
  }
  // Connections to what was told.
  Report flows(std::size_t rows) {
    Report report = next();
    for (std::size_t row = 0; row < rows; ++row) {
      const NameAnswer to = answer_of(row, report.interval.start);
      Flow flow;
      flow.key = {to.interface_id, to.address, 443, Protocol::Tcp};
      flow.stats = {9, 900, 1, 1, 0, 0, report.interval.start + 1ms, report.interval.end};
      report.flows.push_back(flow);
    }
    return report;
  }

 private:
  std::size_t reports_ = 0;
  std::vector<std::size_t> told_ = std::vector<std::size_t>(kNodes);
};

class Then final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return kStart; }
};

class Goals {
 public:
  explicit Goals(bool judged) : judged_(judged) {}
  void say(std::string_view what, double value, std::string_view unit, double goal) {
    const bool missed = judged_ && goal > 0 && value > goal;
    missed_ |= missed;
    fmt::print("{:<52} {:>12.2f} {:<10} {}\n", what, value, unit,
               goal <= 0 ? "" : fmt::format("goal {:.1f}{}", goal, missed ? " MISSED" : ""));
  }
  [[nodiscard]] bool missed() const { return missed_; }

 private:
  const bool judged_;
  bool missed_ = false;
};

void fill(names::Index& index, std::size_t intervals) {
  Nodes nodes;
  for (std::size_t added = 0; added < intervals; added += kRowsOfBatch) {
    const Report report = nodes.answers(kRowsOfBatch);
    std::vector<names::Heard> heard;
    for (const NameAnswer& answer : report.answers) heard.push_back({&answer, true});
    static_cast<void>(index.add(report, heard, {}));
  }
}

void measure_memory(std::size_t intervals, Goals& goals) {
  const std::size_t before = heap_in_use();
  names::Index index;
  fill(index, intervals);
  const names::Counts counts = index.counts();
  goals.say(fmt::format("intervals, of {} names", counts.names),
            static_cast<double>(counts.intervals), "", 0);
  goals.say("memory of an interval",
            static_cast<double>(heap_in_use() - before) / static_cast<double>(counts.intervals),
            "bytes", kBytesGoal);
  const auto start = std::chrono::steady_clock::now();
  index.sweep(kStart);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  goals.say("a sweep over all", took.count(), "s", kSweepGoal);
}

// As the pipeline does it: a message in, a synced write out. False: the store failed.
bool take(const std::string& bytes, Namer& namer, store::Store& store) {
  static const inventory::Snapshot kNobody({}, kStart);
  v1::Batch batch;
  if (!batch.ParseFromString(bytes)) return false;
  const auto report = wire::to_report(batch);
  if (!report) return false;
  store::Addition addition = to_addition(*report, kNobody);
  namer.add_names(*report, kNobody, addition);
  return store.add(addition).has_value();
}

// Nanoseconds a row.
double cost(const std::vector<std::string>& batches, Namer& namer, store::Store& store) {
  const double start = cpu_ns();
  for (const std::string& bytes : batches) {
    if (!take(bytes, namer, store)) return -1;
  }
  return (cpu_ns() - start) / static_cast<double>(batches.size() * kRowsOfBatch);
}

std::vector<std::string> encoded(const std::function<Report()>& next, std::size_t rows) {
  std::vector<std::string> batches;
  for (std::size_t made = 0; made < rows; made += kRowsOfBatch) {
    batches.push_back(wire::to_batch(next()).SerializeAsString());
  }
  return batches;
}

bool measure_time(std::size_t rows, Goals& goals) {
  char directory[] = "/tmp/bench_name_index.XXXXXX";
  if (::mkdtemp(directory) == nullptr) return false;
  bool whole = false;
  if (auto store = store::Store::open(directory, std::chrono::days(400))) {
    const Then then;
    Namer namer({}, then);
    Nodes nodes;
    const auto answers = encoded([&] { return nodes.answers(kRowsOfBatch); }, rows);
    const double told = cost(answers, namer, **store);
    const auto flows = encoded([&] { return nodes.flows(kRowsOfBatch); }, rows);
    const double dialled = cost(flows, namer, **store);
    goals.say("an answer, from the wire to the disk", told, "ns", kAnswerGoal);
    goals.say("answers a second of one processor", 1e9 / told, "", 0);
    goals.say("a flow that is named, from the wire to the disk", dialled, "ns", kFlowGoal);
    whole = told > 0 && dialled > 0;
  }
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  return whole;
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  Goals goals(!smoke);
  const std::size_t intervals = smoke ? kSmokeIntervals : kIntervals;
  measure_memory(intervals, goals);
  if (!measure_time(intervals, goals)) {
    fmt::print(stderr, "the store failed\n");
    return 2;
  }
  return goals.missed() ? 1 : 0;
}
