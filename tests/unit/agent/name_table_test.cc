#include "agent/name_table.h"

#include <algorithm>

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::agent;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kStart = from_unix_ns(1'779'129'764'000'000'000);
const Interval kInterval{kStart, kStart + seconds(10)};
// Jiffy 10,000 is the interval's end; 250 a second.
const JiffyClock kClock{.jiffies = 10'000, .wall = kInterval.end, .tick = milliseconds(4)};

net::Address address(const char* text) {
  return *net::Address::parse(text);
}

NameTable::Told told(std::string_view name, const char* to, std::uint32_t jiffies = 9'000) {
  return {.interface_id = 1,
          .name = name,
          .address = address(to),
          .resolver = address("10.96.0.10"),
          .ttl_s = 30,
          .jiffies = jiffies};
}

std::vector<NameAnswer> rows(const NameTable& table) {
  auto all = table.rows(kClock, kInterval);
  std::sort(all.begin(), all.end(), [](const NameAnswer& a, const NameAnswer& b) {
    return std::tie(a.interface_id, a.name, a.address) <
           std::tie(b.interface_id, b.name, b.address);
  });
  return all;
}

}  // namespace

TEST_CASE("what is said again is one row, as it was said last", "[name_table]") {
  NameTable table({});
  NameTable::Told first = told("a.example", "192.0.2.1", 9'000);
  first.flags = kNameTcp;
  NameTable::Told last = told("a.example", "192.0.2.1", 9'500);
  last.ttl_s = 5;
  last.target = "b.example";
  last.resolver = address("10.96.0.11");
  last.flags = kNameCut;
  REQUIRE(table.add(first));
  REQUIRE(table.add(last));

  const auto all = rows(table);
  REQUIRE(all.size() == 1);
  CHECK(all[0].answers == 2);
  CHECK(all[0].ttl_s == 5);
  CHECK(all[0].target == "b.example");
  CHECK(all[0].resolver == address("10.96.0.11"));
  CHECK(all[0].flags == (kNameTcp | kNameCut));
  CHECK(all[0].first_answered == kInterval.end - seconds(4));
  CHECK(all[0].last_answered == kInterval.end - seconds(2));
}

TEST_CASE("an earlier answer that is read later does not count as the last", "[name_table]") {
  NameTable table({});
  NameTable::Told earlier = told("a.example", "192.0.2.1", 0xfffffff0U);
  earlier.ttl_s = 99;
  REQUIRE(table.add(told("a.example", "192.0.2.1", 16)));  // the counter wrapped in between
  REQUIRE(table.add(earlier));

  const JiffyClock clock{.jiffies = 16, .wall = kInterval.end, .tick = milliseconds(4)};
  const auto all = table.rows(clock, kInterval);
  REQUIRE(all.size() == 1);
  CHECK(all[0].ttl_s == 30);
  CHECK(all[0].first_answered == kInterval.end - 32 * milliseconds(4));
  CHECK(all[0].last_answered == kInterval.end);
}

TEST_CASE("interface, name and address each make a row of their own", "[name_table]") {
  NameTable table({});
  NameTable::Told other_interface = told("a.example", "192.0.2.1");
  other_interface.interface_id = 2;
  for (const auto& one : {told("a.example", "192.0.2.1"), told("a.example", "192.0.2.2"),
                          told("b.example", "192.0.2.1"), other_interface}) {
    REQUIRE(table.add(one));
  }

  CHECK(rows(table).size() == 4);
}

TEST_CASE("times are within the interval", "[name_table]") {
  NameTable table({});
  REQUIRE(table.add(told("a.example", "192.0.2.1", 1'000)));
  REQUIRE(table.add(told("a.example", "192.0.2.1", 10'500)));

  CHECK(rows(table)[0].first_answered == kInterval.start);
  CHECK(rows(table)[0].last_answered == kInterval.end);
}

TEST_CASE("rows, an interface's rows and the bytes of names are bounded", "[name_table]") {
  NameTable::Bounds bounds;
  SECTION("rows") {
    bounds.rows = 2;
  }
  SECTION("rows of an interface") {
    bounds.interface_rows = 2;
  }
  SECTION("bytes of names") {
    bounds.text = 2 * 9;
  }
  SECTION("bytes of names of an interface") {
    bounds.interface_text = 2 * 9;
  }
  NameTable table(bounds);
  REQUIRE(table.add(told("a.example", "192.0.2.1")));
  REQUIRE(table.add(told("b.example", "192.0.2.1")));

  CHECK_FALSE(table.add(told("c.example", "192.0.2.1")));
  CHECK(table.add(told("a.example", "192.0.2.1")));  // known ones go on
  CHECK(table.size() == 2);
  table.clear();
  CHECK(table.add(told("c.example", "192.0.2.1")));
}

TEST_CASE("one interface's flood leaves room for the others", "[name_table]") {
  NameTable table({.rows = 10, .interface_rows = 3});
  for (int i = 0; i < 9; ++i) {
    static_cast<void>(table.add(told("random" + std::to_string(i), "192.0.2.1")));
  }
  NameTable::Told other = told("a.example", "192.0.2.1");
  other.interface_id = 2;

  CHECK(table.add(other));
  CHECK(table.size() == 4);
}

TEST_CASE("a table takes a later one's rows, and tells how many answers found no room",
          "[name_table]") {
  NameTable table({.rows = 2});
  NameTable later({});
  REQUIRE(table.add(told("a.example", "192.0.2.1", 9'000)));
  REQUIRE(later.add(told("a.example", "192.0.2.1", 9'250)));
  REQUIRE(later.add(told("b.example", "192.0.2.1", 9'250)));
  for (int i = 0; i < 3; ++i) REQUIRE(later.add(told("c.example", "192.0.2.1", 9'250)));

  const std::uint64_t lost = table.take(later);

  CHECK(later.size() == 0);
  const auto all = rows(table);
  REQUIRE(all.size() == 2);
  CHECK(all[0].answers == 2);
  CHECK(all[0].last_answered == kInterval.end - seconds(3));
  CHECK(lost == (all[1].name == "b.example" ? 3 : 1));
  NameTable empty({});
  CHECK(empty.take(table) == 0);
  CHECK(rows(empty) == all);
  CHECK(table.size() == 0);
}
