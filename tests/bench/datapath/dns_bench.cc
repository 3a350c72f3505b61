#include <bpf/libbpf.h>

#include <algorithm>
#include <future>
#include <numeric>
#include <thread>

#include <fmt/format.h>

#include "egress.skel.h"

#include "agent/drain.h"
#include "tests/bench/datapath/bench.h"
#include "tests/bench/datapath/measure.h"
#include "tests/bench/datapath/programs.h"

namespace outflow::bench {
namespace {

// An answer of at most 512 bytes (RFC 1035 4.2.1: what every resolver may send by UDP), copied
// whole: as a multiple of floor. Longer ones are stated.
constexpr double kAnswerCopied = 6.5;
// Of 50,000 answers a second, while user space looks into the ring as often as the agent does.
constexpr double kAnswersLost = 0;
constexpr int kAnswersPerMillisecond = 50;
constexpr std::chrono::milliseconds kLookEvery{20};

constexpr const char* kNoRing = "no dns ring in this object";
// So many of the longest fit into 4 MiB before they are drained.
constexpr int kBurst = 500;
constexpr std::size_t kUdpHeaders = 14 + 20 + 8;

constexpr Shape kQuestion{.protocol = IPPROTO_UDP, .destination_port = 53};

Shape answer_of(std::size_t payload) {
  return {.protocol = IPPROTO_UDP,
          .source_port = 53,
          .destination_port = 40'000,
          .size = kUdpHeaders + payload,
          .to_pod = true,
          .dns_answer = true};
}

// User space's end of the ring, the agent's: counts records.
class Ring {
 public:
  explicit Ring(const bpf_map* map) {
    auto opened =
        agent::RingReader::open(bpf_map__fd(map), [this](const void*, std::size_t) { ++records_; });
    require(opened.has_value(), "open the dns ring");
    reader_ = std::move(*opened);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // How many there have been, those that waited until now included.
  std::uint64_t drain() {
    reader_.take();
    return records_;
  }

 private:
  std::uint64_t records_ = 0;
  agent::RingReader reader_;
};

// Bursts, and the ring drained between them while the clock stands.
double time_bursts(int program, const Bytes& packet, int repeat, Ring& ring) {
  double spent = 0;
  int sent = 0;
  while (sent < repeat) {
    spent += time_run(program, packet, kBurst) * kBurst;
    sent += kBurst;
    ring.drain();
  }
  return spent / sent;
}

void measure_answer(const Ours& ours, const Shapes& shapes, std::size_t payload,
                    const Options& options, Table& table) {
  ours.forget();
  shapes.forget();
  run(ours.from_pod(), packet_of(kQuestion), 1);
  Ring ring(ours.map("dns"));
  const Bytes answer = packet_of(answer_of(payload));
  const int repeat = std::max(options.repeat / 4, kBurst);
  const auto target = [&](int program) {
    return [&, program] { return time_bursts(program, answer, repeat, ring); };
  };
  const auto rounds = interleave({target(shapes.null()), target(shapes.floor()),
                                  target(shapes.exporter()), target(ours.to_pod())},
                                 options.rounds);
  const std::int64_t bursts = (repeat + kBurst - 1) / kBurst;
  const auto sent = static_cast<std::uint64_t>(bursts * kBurst * (options.rounds + 1));
  require(ring.drain() == sent,
          fmt::format("{} answers of {} bytes became {} records", sent, payload, ring.drain()));
  const Costs costs{median_of(rounds, 0), median_above(rounds, 1, 0), median_above(rounds, 2, 0),
                    median_above(rounds, 3, 0)};
  const std::optional<double> goal =
      payload <= 512 ? std::optional<double>(kAnswerCopied) : std::nullopt;
  table.row(fmt::format("DNS answer of {} bytes, copied", payload),
            {*costs.ours / *costs.floor, "x floor", goal}, costs);
}

// A resolver's packets, evenly in time; gives how many.
std::uint64_t send_answers(const Ours& ours, std::chrono::milliseconds time) {
  const Bytes answer = packet_of(answer_of(200));
  std::uint64_t sent = 0;
  auto due = std::chrono::steady_clock::now();
  for (int i = 0; i < time.count(); ++i) {
    run(ours.to_pod(), answer, kAnswersPerMillisecond);
    sent += kAnswersPerMillisecond;
    due += std::chrono::milliseconds(1);
    std::this_thread::sleep_until(due);
  }
  return sent;
}

}  // namespace

void bench_dns_cost(const Options& options, Table& table) {
  const Pinned pinned(0);
  // The cost of an answer is measured far above the rate that a pod is allowed.
  const Ours ours([](egress_bpf& object) { object.rodata->dns_answers_max = ~0U; });
  if (ours.map("dns") == nullptr) return table.skip("DNS answer, copied", kNoRing);
  const Shapes shapes(ours.flows());
  for (const std::size_t payload : {100, 512, 1'400}) {
    measure_answer(ours, shapes, payload, options, table);
  }
}

void bench_dns_rate(const Options& options, Table& table) {
  // All of it comes to one pod here.
  const Ours ours([](egress_bpf& object) { object.rodata->dns_answers_max = ~0U; });
  const bpf_map* counts = ours.map("dns_counts");
  if (ours.map("dns") == nullptr || counts == nullptr) {
    return table.skip("DNS answers lost at 50,000/s", kNoRing);
  }
  run(ours.from_pod(), packet_of(kQuestion), 1);
  Ring ring(ours.map("dns"));
  auto sender = std::async(std::launch::async, send_answers, std::cref(ours), options.dns_time);
  while (sender.wait_for(kLookEvery) != std::future_status::ready) ring.drain();
  const std::uint64_t sent = sender.get();
  const std::uint64_t delivered = ring.drain();
  // Every answer is in one counter, whether it was copied or why not.
  const auto counters = counters_of(counts);
  const std::uint64_t counted = std::accumulate(counters.begin(), counters.end(), std::uint64_t{0});
  table.row("DNS answers lost at 50,000/s",
            {static_cast<double>(sent - delivered), fmt::format("of {}", sent), kAnswersLost});
  table.row("DNS answers in no counter",
            {static_cast<double>(sent > counted ? sent - counted : counted - sent),
             fmt::format("of {}", sent), kAnswersLost});
}

}  // namespace outflow::bench
