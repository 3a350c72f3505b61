#include "aggregator/store/store.h"

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/samples.h"

using namespace outflow;
using namespace outflow::store;
using namespace std::chrono_literals;

namespace {

constexpr nanoseconds kRetention = std::chrono::days(400);

std::unique_ptr<Store> opened(const test::TempDir& dir) {
  auto store = Store::open(dir.path(), kRetention);
  REQUIRE(store);
  return std::move(*store);
}

Merge added(Store& store, const Addition& addition) {
  const auto merged = store.add(addition);
  REQUIRE(merged);
  return *merged;
}

std::uint64_t gaps(const Store& store) {
  std::uint64_t sum = 0;
  const auto days = *store.node_days(day("2020-01-01"), day("2030-01-01"));
  for (const NodeDay& node_day : days) {
    const auto gap = node_day.losses.find("sequence_gap");
    if (gap != node_day.losses.end()) sum += gap->second;
  }
  return sum;
}

}  // namespace

TEST_CASE("the same tuple of one day is one record with the sum", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  added(*store, batch(1, {record("web"), record("web"), record("web", 80)}));
  added(*store, batch(2, {record("web", 443, at(kNoon) + 5s)}));

  const auto records = all(*store);
  REQUIRE(records.size() == 2);
  CHECK(records[0].raw.port == 80);
  CHECK(records[1].stats.packets == 3);
  CHECK(records[1].stats.bytes == 180);
  CHECK(records[1].stats.first_seen == at(kNoon));
  CHECK(records[1].stats.last_seen == at(kNoon) + 5s);
  CHECK(store->records_estimate() == 2);
}

TEST_CASE("a batch sent again adds nothing, also after the store was opened again", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  CHECK(added(*store, batch(1, {record("web")})) == Merge::Merged);
  CHECK(added(*store, batch(1, {record("web")})) == Merge::Repeated);
  store.reset();
  store = opened(dir);
  CHECK(added(*store, batch(1, {record("web")})) == Merge::Repeated);
  CHECK(added(*store, batch(2, {record("web")})) == Merge::Merged);
  CHECK(added(*store, batch(1, {record("web")})) == Merge::Repeated);

  CHECK(all(*store).at(0).stats.packets == 2);
  CHECK(store->node_days(day(kNoon), day(kNoon))->at(0).covered == 20s);
}

TEST_CASE("each boot of each node has its own sequence", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  Addition other_boot = batch(1, {record("web")});
  other_boot.mark.boot = boot(2);
  Addition other_node = batch(1, {record("web")});
  other_node.mark.node = "k8s-w2";

  added(*store, batch(1, {record("web")}));
  CHECK(added(*store, other_boot) == Merge::Merged);
  CHECK(added(*store, other_node) == Merge::Merged);
  CHECK(added(*store, batch(1, {record("web")})) == Merge::Repeated);
  CHECK(all(*store).at(0).stats.packets == 3);
  CHECK(gaps(*store) == 0);
}

TEST_CASE("a jump of the sequence is a loss of as many batches", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  added(*store, batch(1));
  added(*store, batch(5));

  CHECK(gaps(*store) == 3);
}

TEST_CASE("a new boot that does not start at one lost its start", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  added(*store, batch(1));
  Addition rebooted = batch(3);
  rebooted.mark.boot = boot(2);
  added(*store, rebooted);

  CHECK(gaps(*store) == 2);
}

TEST_CASE("a node never seen may start anywhere: its past is not our loss", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  added(*store, batch(500));

  CHECK(gaps(*store) == 0);
}

TEST_CASE("the newest boot of every node is what the marks show", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  added(*store, batch(9));
  Addition rebooted = batch(1);
  rebooted.mark.boot = boot(2);
  added(*store, rebooted);
  Addition other = batch(4);
  other.mark.node = "k8s-w2";
  added(*store, other);

  const auto marks = *store->marks();
  REQUIRE(marks.size() == 2);
  CHECK(marks[0].node == "k8s-w1");
  CHECK(marks[0].boot == boot(2));
  CHECK(marks[0].sequence == 1);
  CHECK(marks[0].interfaces == 2);
  CHECK(marks[0].agent_version == "0.1.0");
  CHECK(marks[1].sequence == 4);
}

TEST_CASE("a scan gives one namespace and the days asked for, in order, until told to stop",
          "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  const TimePoint next = at("2026-05-19T12:00:00Z");
  added(*store, batch(1, {record("web", 1), record("web", 2, next), record("web2", 3),
                          record("we", 4, next), record("", 5)}));

  CHECK(all(*store, "web").size() == 2);
  CHECK(all(*store, "").at(0).raw.port == 5);
  CHECK(all(*store, "nobody").empty());
  const auto of_next = all(*store, std::nullopt, day_of(next), day_of(next));
  REQUIRE(of_next.size() == 2);
  CHECK(of_next[0].source.namespace_name == "we");
  CHECK(of_next[1].raw.port == 2);
  int seen = 0;
  CHECK(store->scan(std::nullopt, day(kNoon), day_of(next),
                    [&](const History&) { return ++seen < 3; }));
  CHECK(seen == 3);
  CHECK(*store->first_day() == day(kNoon));
}

TEST_CASE("flows that may not be judged with the others are records of their own", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  History inferred = record("web");
  inferred.raw.apart = kFlowInferred;
  History logged = record("web");
  logged.raw.evidence = Evidence::Log;
  added(*store, batch(1, {record("web"), inferred, logged}));

  CHECK(all(*store).size() == 3);
}

TEST_CASE("an address that passes to another peer within a day leaves its evidence behind",
          "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  added(*store, batch(1, {record_to(attribution::PeerKind::Workload, "db", "mysql")}));
  History refused = record_to(attribution::PeerKind::Workload, "elsewhere", "thief");
  refused.stats.established = 0;
  refused.stats.refused = 1;
  added(*store, batch(2, {refused}));
  History nobodys = record_to(attribution::PeerKind::Unknown, "", "");
  added(*store, batch(3, {nobodys, record_to(attribution::PeerKind::Workload, "db", "mysql")}));

  const auto records = all(*store);
  REQUIRE(records.size() == 3);
  CHECK(records[0].peer.kind == attribution::PeerKind::Unknown);
  CHECK(records[1].peer.name == "mysql");
  CHECK(records[1].stats.established == 2);
  CHECK(records[1].stats.refused == 0);
  CHECK(records[2].peer.name == "thief");
  CHECK(records[2].stats.established == 0);
  CHECK(records[2].stats.refused == 1);
}

TEST_CASE("a log line counts once, however often it is imported", "[store]") {
  const test::TempDir dir;
  auto store = opened(dir);
  History logged = record("web");
  logged.raw.evidence = Evidence::Log;
  const std::vector<Store::LogLine> lines = {{{1}, logged}, {{2}, logged}, {{2}, logged}};

  CHECK(*store->add_log(lines) == 2);
  CHECK(*store->add_log(lines) == 0);
  CHECK(all(*store).at(0).stats.packets == 2);
}
