#include "agent/evict.h"

#include <arpa/inet.h>

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::agent;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// 250 Hz, long after the start.
const JiffyClock kNow{1'000'000, from_unix_ns(1'779'129'764'000'000'000), milliseconds(4)};
const Room kRoom{10, seconds(60)};
const auto kNoneAlive = [](const FlowKey&) { return false; };

TupleRow idle_for(std::uint16_t port, seconds idle) {
  TupleRow row{};
  row.key.destination_port = htons(port);
  row.stats.last_jiffies = kNow.jiffies - static_cast<std::uint32_t>(idle / milliseconds(4));
  return row;
}

// Ports 1 to `count`, each idle for 100 s more than the last.
std::vector<TupleRow> rows(std::uint16_t count) {
  std::vector<TupleRow> all;
  for (std::uint16_t port = 1; port <= count; ++port) {
    all.push_back(idle_for(port, seconds(100 * port)));
  }
  return all;
}

std::vector<std::uint16_t> ports(const std::vector<TupleRow>& rows) {
  std::vector<std::uint16_t> found;
  for (const TupleRow& row : rows) found.push_back(ntohs(row.key.destination_port));
  return found;
}

}  // namespace

TEST_CASE("nothing goes while the table is at most seven tenths full", "[evict]") {
  CHECK_FALSE(wants_room(7, 10));
  CHECK(wants_room(8, 10));
  CHECK(idle_rows(rows(7), kRoom, kNow, kNoneAlive).empty());
}

TEST_CASE("the longest idle go first, until six tenths are left", "[evict]") {
  CHECK(ports(idle_rows(rows(9), kRoom, kNow, kNoneAlive)) == std::vector<std::uint16_t>{9, 8, 7});
}

TEST_CASE("who was active a moment ago stays, whatever the pressure", "[evict]") {
  std::vector<TupleRow> busy;
  for (std::uint16_t port = 1; port <= 10; ++port) busy.push_back(idle_for(port, seconds(59)));
  busy.push_back(idle_for(11, seconds(61)));

  CHECK(ports(idle_rows(busy, kRoom, kNow, kNoneAlive)) == std::vector<std::uint16_t>{11});
}

TEST_CASE("tuples whose connection stands go last, and only as far as must be", "[evict]") {
  const auto alive = [](const FlowKey& key) { return key.destination_port >= 3; };

  // 10 rows: down to 6 by those that are dead, but only to 7 by those that stand.
  CHECK(ports(idle_rows(rows(10), kRoom, kNow, alive)) == std::vector<std::uint16_t>{2, 1, 10});
  CHECK(ports(idle_rows(rows(9), kRoom, kNow, alive)) == std::vector<std::uint16_t>{2, 1});
}

TEST_CASE("idleness is told right where jiffies wrap", "[evict]") {
  const JiffyClock wrapped{100, kNow.wall, milliseconds(4)};
  std::vector<TupleRow> all = rows(10);
  for (TupleRow& row : all) row.stats.last_jiffies = 100;
  all[4].stats.last_jiffies = 100U - 250 * 61;

  CHECK(ports(idle_rows(all, kRoom, wrapped, kNoneAlive)) == std::vector<std::uint16_t>{5});
}

TEST_CASE("idle for a month is idle, whatever half of the jiffies that is", "[evict]") {
  std::vector<TupleRow> all = rows(10);
  for (TupleRow& row : all) row.stats.last_jiffies = kNow.jiffies;
  all[2].stats.last_jiffies = kNow.jiffies - 250U * 60 * 60 * 24 * 120;
  all[3].stats.last_jiffies = kNow.jiffies + 3;  // after the reading

  CHECK(ports(idle_rows(all, kRoom, kNow, kNoneAlive)) == std::vector<std::uint16_t>{3});
}
