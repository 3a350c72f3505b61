#include "aggregator/access/limits.h"

#include "tests/support/catch.h"
#include "tests/support/stub_agent.h"

using namespace outflow;
using namespace outflow::access;
using namespace std::chrono_literals;
using outflow::test::sample_report;
using Verdict = Limiter::Verdict;

namespace {

class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return time; }
  TimePoint time = *parse_time("2026-05-18T12:00:00Z");
};

std::uint64_t lost(const Report& report) {
  std::uint64_t sum = 0;
  for (const Counter& loss : report.losses) {
    if (loss.reason == kCardinalityLoss) sum += loss.count;
  }
  return sum;
}

}  // namespace

TEST_CASE("a bucket gives its burst at once and then its rate", "[limits]") {
  TokenBucket bucket(2, 10);
  const TimePoint start = *parse_time("2026-05-18T12:00:00Z");

  CHECK(bucket.take(10, start));
  CHECK_FALSE(bucket.take(1, start));
  CHECK_FALSE(bucket.take(3, start + 1s));
  CHECK(bucket.take(2, start + 1s));
  CHECK(bucket.take(10, start + 1h));
  CHECK_FALSE(bucket.take(1, start + 1h));
  CHECK_FALSE(bucket.take(1, start));
}

TEST_CASE("a node over its batches or flows waits, and no other does", "[limits]") {
  HandClock clock;
  Limiter limiter({.batches_per_second = 1, .flows_per_minute = 100}, clock);
  const auto take = [&limiter](std::uint16_t flows, const std::string& node) {
    Report report = sample_report(1, flows, node);
    return limiter.take(report);
  };

  for (int i = 0; i < 60; ++i) CHECK(take(1, "a") == Verdict::Fine);
  CHECK(take(1, "a") == Verdict::TooManyBatches);
  CHECK(take(100, "b") == Verdict::Fine);
  CHECK(take(1, "b") == Verdict::TooManyFlows);
  clock.time += 1s;
  CHECK(take(1, "a") == Verdict::Fine);
  CHECK(take(1, "b") == Verdict::Fine);
}

TEST_CASE("tuples over a day's number are left out and counted, known ones go on", "[limits]") {
  HandClock clock;
  Limiter limiter({.tuples_per_day = 3}, clock);
  Report first = sample_report(1, 5);
  Report again = sample_report(2, 5);
  Report other = sample_report(1, 3, "k8s-w2");
  REQUIRE(limiter.take(first) == Verdict::Fine);
  REQUIRE(limiter.take(again) == Verdict::Fine);
  REQUIRE(limiter.take(other) == Verdict::Fine);

  CHECK(first.flows.size() == 3);
  CHECK(lost(first) == 2);
  CHECK(again.flows == sample_report(2, 3).flows);
  CHECK(lost(again) == 2);
  CHECK(other.flows.size() == 3);
  CHECK(lost(other) == 0);
}

TEST_CASE("at midnight a node may bring new tuples again", "[limits]") {
  HandClock clock;
  Limiter limiter({.tuples_per_day = 3}, clock);
  Report today = sample_report(1, 3);
  Report tomorrow = sample_report(2, 6);
  tomorrow.flows.erase(tomorrow.flows.begin(), tomorrow.flows.begin() + 3);
  REQUIRE(limiter.take(today) == Verdict::Fine);
  clock.time += 24h;
  REQUIRE(limiter.take(tomorrow) == Verdict::Fine);

  CHECK(tomorrow.flows.size() == 3);
  CHECK(lost(tomorrow) == 0);
}

TEST_CASE("an interface of another name is another tuple, another number is not", "[limits]") {
  HandClock clock;
  Limiter limiter({.tuples_per_day = 1}, clock);
  Report first = sample_report(1);
  Report renumbered = sample_report(2);
  renumbered.interfaces[0].id = renumbered.flows[0].key.interface_id = 77;
  Report renamed = sample_report(3);
  renamed.interfaces[0].name = "cali0";
  REQUIRE(limiter.take(first) == Verdict::Fine);
  REQUIRE(limiter.take(renumbered) == Verdict::Fine);
  REQUIRE(limiter.take(renamed) == Verdict::Fine);

  CHECK(renumbered.flows.size() == 1);
  CHECK(renamed.flows.empty());
}
