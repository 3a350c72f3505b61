#include "aggregator/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/samples.h"

using namespace outflow;
using namespace outflow::store;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<Store> opened(const test::TempDir& dir,
                              nanoseconds retention = std::chrono::days(400)) {
  auto store = Store::open(dir.path(), retention);
  REQUIRE(store);
  return std::move(*store);
}

Addition between(std::uint64_t sequence, const char* start, const char* end) {
  Addition addition = batch(sequence);
  addition.interval = {at(start), at(end)};
  addition.mark.last_end = at(end);
  return addition;
}

std::vector<NodeDay> days_of(const Store& store) {
  return *store.node_days(day("1960-01-01"), day("2100-01-01"));
}

}  // namespace

TEST_CASE("an interval over midnight is covered time on both days", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  Addition addition = between(1, "2026-05-18T23:59:53Z", "2026-05-19T00:00:03Z");
  addition.losses = {{"ring_full", 4}};
  addition.skipped = {{"arp", 7}};
  REQUIRE(store->add(addition));

  const auto days = days_of(*store);
  REQUIRE(days.size() == 2);
  CHECK(days[0].day == day("2026-05-18"));
  CHECK(days[0].covered == 7s);
  CHECK(days[1].covered == 3s);
  // The loss may have hit either day; what was passed over by design is counted once.
  CHECK(days[0].losses.at("ring_full") == 4);
  CHECK(days[1].losses.at("ring_full") == 4);
  CHECK(days[0].skipped.empty());
  CHECK(days[1].skipped.at("arp") == 7);
}

TEST_CASE("an interval that ends at midnight does not touch the next day", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  REQUIRE(store->add(between(1, "2026-05-18T23:59:50Z", "2026-05-19T00:00:00Z")));

  REQUIRE(days_of(*store).size() == 1);
  CHECK(days_of(*store)[0].covered == 10s);
}

TEST_CASE("an empty interval still carries its losses", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  Addition addition = between(1, kNoon, kNoon);
  addition.losses = {{"ring_full", 1}};
  REQUIRE(store->add(addition));

  REQUIRE(days_of(*store).size() == 1);
  CHECK(days_of(*store)[0].covered == 0s);
  CHECK(days_of(*store)[0].losses.at("ring_full") == 1);
}

TEST_CASE("a day is covered for 24 hours at most, and losses do not wrap", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  for (std::uint64_t sequence = 1; sequence <= 2; ++sequence) {
    Addition addition = between(sequence, "2026-05-18T01:00:00Z", "2026-05-18T23:00:00Z");
    addition.losses = {{"ring_full", std::numeric_limits<std::uint64_t>::max()}};
    REQUIRE(store->add(addition));
  }

  CHECK(days_of(*store).at(0).covered == 24h);
  CHECK(days_of(*store).at(0).losses.at("ring_full") == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("an interval of two centuries covers its last 400 days", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  REQUIRE(store->add(between(1, "1970-01-02", "2026-05-18")));

  CHECK(days_of(*store).size() == 400);
}

TEST_CASE("presences are kept once and found by day", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  Addition addition = batch(1);
  addition.presences = {{"web", "k8s-w1", day(kNoon)},
                        {"web", "k8s-w1", day(kNoon)},
                        {"dbaas", "k8s-w1", day("2026-05-19")}};
  REQUIRE(store->add(addition));

  CHECK(store->presences(day(kNoon), day("2026-05-19"))->size() == 2);
  const auto found = *store->presences(day(kNoon), day(kNoon));
  REQUIRE(found.size() == 1);
  CHECK(found[0].namespace_name == "web");
  CHECK(found[0].node == "k8s-w1");
  CHECK(store->presences(day("2026-05-19"), day(kNoon))->empty());
}

TEST_CASE("what is older than the retention is deleted whole, and what is not stays", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir, std::chrono::days(10));
  const auto with = [](std::uint64_t sequence, const char* time) {
    Addition addition = batch(sequence, {record("web", 443, at(time)), record("", 443, at(time)),
                                         record("zeta", 443, at(time))});
    addition.interval = {at(time), at(time) + 10s};
    addition.mark.last_end = addition.interval.end;
    addition.presences = {{"web", "k8s-w1", day(time)}};
    return addition;
  };
  REQUIRE(store->add(with(1, "2026-05-07T12:00:00Z")));
  REQUIRE(store->add(with(2, "2026-05-08T12:00:00Z")));
  REQUIRE(store->add(with(3, "2026-05-18T12:00:00Z")));
  const std::vector<Store::LogLine> old_line = {{{1}, record("web", 1, at("2026-05-07"))}};
  CHECK(*store->add_log(old_line) == 1);

  CHECK(*store->expire(at("2026-05-18T18:00:00Z")) == 4);
  CHECK(all(*store).size() == 6);
  CHECK(*store->first_day() == day("2026-05-08"));
  CHECK(days_of(*store).size() == 2);
  CHECK(store->presences(day("2026-01-01"), day("2027-01-01"))->size() == 2);
  CHECK(store->marks()->size() == 1);
  CHECK(*store->expire(at("2026-05-18T18:00:00Z")) == 0);
  // A day that is gone does not come back by importing it again.
  CHECK(*store->add_log(old_line) == 0);
}

TEST_CASE("a node that is long gone is forgotten with its last day", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir, std::chrono::days(10));
  REQUIRE(store->add(batch(1, {record("web")})));

  CHECK(*store->expire(at("2026-06-30")) == 1);
  CHECK(store->marks()->empty());
  CHECK_FALSE(store->first_day());
  CHECK(store->records_estimate() == 0);
}

TEST_CASE("a retention longer than time itself keeps everything", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir, nanoseconds::max());
  REQUIRE(store->add(batch(1, {record("web", 443, at("1970-01-02"))})));

  CHECK(*store->expire(at(kNoon)) == 0);
}
