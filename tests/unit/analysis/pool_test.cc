#include "aggregator/analysis/pool.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "aggregator/analysis/name_sets.h"
#include "common/names.h"
#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using analysis::Pool;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const TimePoint kNow = at("2026-05-20T12:00:00Z");

struct Row {
  std::string address;
  std::uint64_t answers = 100;
  std::uint32_t ttl_s = 0;
  TimePoint first = kNow - hours(6);
  TimePoint last = kNow - minutes(1);
  bool trusted = true;
  std::string name = "api.example.com";
};

store::NameRecord record_of(const Row& row) {
  store::NameRecord record;
  record.day = day_of(row.last);
  record.namespace_name = "web";
  record.name = row.name;
  record.address = ip(row.address);
  record.node = "w1";
  record.interface_name = "cali1";
  record.trusted = row.trusted;
  record.ttl_s = row.ttl_s;
  record.answers = row.answers;
  record.first_answered = row.first;
  record.last_answered = row.last;
  if (row.trusted) record.last_trusted = row.last;
  return record;
}

Pool pool(const std::vector<Row>& rows, TimePoint now = kNow) {
  std::vector<store::NameRecord> records;
  for (const Row& row : rows) records.push_back(record_of(row));
  return analysis::pool_of(records, now);
}

// A pool of `size` addresses of which each answer tells `each`, drawn at random, and judged after
// every answer: what was said complete for the first time, and how much of it was missing then.
struct World {
  std::size_t size = 40;
  std::size_t each = 1;
  double skew = 0;  // the least likely address is this much less likely than the others
};

struct Verdict {
  bool complete = false;
  std::size_t after = 0;
  double missing = 0;
};

Verdict first_complete(const World& world, std::mt19937& random) {
  std::vector<double> weights(world.size, 1.0);
  weights.back() -= world.skew;
  std::discrete_distribution<std::size_t> one(weights.begin(), weights.end());
  std::vector<std::uint64_t> counts(world.size);
  std::vector<std::size_t> seen;
  for (std::size_t answer = 1; answer <= 1000; ++answer) {
    std::set<std::size_t> told;
    while (told.size() < world.each) told.insert(one(random));
    for (const std::size_t address : told) ++counts[address];
    std::vector<store::NameRecord> rows;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > 0) rows.push_back(record_of({fmt::format("192.0.2.{}", i), counts[i]}));
    }
    if (analysis::pool_of(rows, kNow).usable()) {
      return {true, answer, 1 - static_cast<double>(rows.size()) / static_cast<double>(world.size)};
    }
  }
  return {};
}

}  // namespace

TEST_CASE("a name of one address is known after some answers, and not after one", "[pool]") {
  const Pool one = pool({{.address = "192.0.2.1", .answers = 1}});
  const Pool many = pool({{.address = "192.0.2.1", .answers = 20}});

  CHECK(one.why_not == "too little was asked: 1 independent answers, 20 are needed for 1 address");
  CHECK(many.usable());
  CHECK(many.estimate == 1);
  CHECK(many.coverage == 1);
}

TEST_CASE("what a cache repeats is one draw", "[pool]") {
  const Row burst{.address = "192.0.2.1",
                  .answers = 5000,
                  .ttl_s = 60,
                  .first = kNow - minutes(4),
                  .last = kNow};
  CHECK(pool({burst}).draws == 1);

  // Two hours of it: a draw each five minutes, shared by the two addresses it was told.
  const Row long_one{
      .address = "192.0.2.1", .answers = 5000, .ttl_s = 60, .first = kNow - hours(2), .last = kNow};
  Row other = long_one;
  other.address = "192.0.2.2";
  CHECK(pool({long_one, other}).draws == 24);
  CHECK(pool({long_one, other}).answers == 10'000);
}

TEST_CASE("what was drawn once stands for what was not drawn at all", "[pool]") {
  std::vector<Row> rows;
  for (int i = 0; i < 30; ++i) rows.push_back({fmt::format("192.0.2.{}", i), 50});
  rows.push_back({"192.0.2.101", 1});
  rows.push_back({"192.0.2.102", 1});
  rows.push_back({"192.0.2.103", 2});
  const Pool found = pool(rows);

  CHECK(found.drawn == 33);
  CHECK(found.estimate == 33 + 2 * 2 / (2.0 * 1));
  CHECK(found.coverage == Approx(33 / 35.0));
  CHECK_FALSE(found.usable());
}

TEST_CASE("few pools are called complete while more than 2 % is missing", "[pool]") {
  std::mt19937 random(20260520);  // a known seed: the same pools every time
  for (const World& world :
       {World{.size = 40, .each = 1}, World{.size = 40, .each = 3}, World{.size = 12, .each = 2},
        World{.size = 3, .each = 1}, World{.size = 20, .each = 1, .skew = 0.4}}) {
    INFO(fmt::format("{} addresses, {} an answer", world.size, world.each));
    int complete = 0;
    int wrong = 0;
    std::size_t earliest = 1000;
    for (int i = 0; i < 100; ++i) {
      const Verdict verdict = first_complete(world, random);
      complete += verdict.complete ? 1 : 0;
      wrong += verdict.complete && verdict.missing > 0.02 ? 1 : 0;
      if (verdict.complete) earliest = std::min(earliest, verdict.after);
    }

    CHECK(complete == 100);
    CHECK(wrong <= 7);
    CHECK(earliest * world.each >= world.size);
  }
}

TEST_CASE("answers of resolvers that are not trusted never enter a set", "[pool]") {
  const Row good{.address = "192.0.2.1"};
  const Row bad{.address = "203.0.113.9", .answers = 3, .trusted = false};
  const Pool both = pool({good, bad});
  const Pool none = pool({bad});

  CHECK(both.addresses.size() == 1);
  CHECK(both.why_not == "3 of its 103 answers came from resolvers that are not trusted");
  CHECK(none.addresses.empty());
  CHECK(none.why_not == "none of its answers came from a resolver that is trusted");
  CHECK(pool({}).why_not == "no answer was seen that names its addresses");
}

TEST_CASE("an address leaves a day after its last answer ran out", "[pool]") {
  const Row row{.address = "192.0.2.1", .ttl_s = 600, .last = kNow};
  const TimePoint end = kNow + seconds(600) + hours(24);

  CHECK(pool({row}, end - seconds(1)).addresses.size() == 1);
  CHECK(pool({row}, end).addresses.empty());
  CHECK(pool({row}).addresses.at(ip("192.0.2.1")).expires == end);
}

TEST_CASE("a pool that moved is judged by where it is", "[pool]") {
  const Row old{.address = "192.0.2.1", .first = kNow - hours(80), .last = kNow - hours(70)};
  const Row fresh{.address = "192.0.2.2"};
  const Pool found = pool({old, fresh});

  CHECK(found.usable());
  CHECK(found.drawn == 1);
}

TEST_CASE("one asked for too rarely to stay in a set is not known", "[pool]") {
  std::vector<Row> rows;
  for (int back = 0; back < 6; ++back) {
    const TimePoint then = kNow - hours(24 * back);
    rows.push_back({fmt::format("192.0.2.{}", back % 2), 8, 0, then - minutes(5), then});
    rows.push_back({fmt::format("192.0.2.{}", 10 + back / 3), 1, 0, then - minutes(5), then});
  }
  const Pool found = pool(rows);

  CHECK_FALSE(found.usable());
  CHECK(found.drawn > found.addresses.size());
}

TEST_CASE("answers that were cut leave something out, unless TCP told the rest", "[pool]") {
  store::NameRecord cut = record_of({"192.0.2.1"});
  cut.flags = kNameCut;
  store::NameRecord whole = record_of({"192.0.2.2"});
  whole.flags = kNameTcp;

  CHECK(analysis::pool_of(std::vector{cut}, kNow).why_not ==
        "answers were cut short, and what they left out was not seen");
  CHECK(analysis::pool_of(std::vector{cut, whole}, kNow).usable());
}

TEST_CASE("more addresses need more draws", "[pool]") {
  CHECK(analysis::draws_needed(1) == 20);
  CHECK(analysis::draws_needed(8) == 55);
  CHECK(analysis::draws_needed(40) == 313);
}

TEST_CASE("a set has what its class was told, and says who else is at its addresses", "[pool]") {
  std::vector<store::History> records;
  for (const int i : {1, 2}) {
    auto peer = outside("192.0.2.1", attribution::PeerKind::Name);
    peer.name = fmt::format("s{}.cdn.example.com", i);
    records.push_back(record(peer));
  }
  auto exact = outside("192.0.2.7", attribution::PeerKind::Name);
  exact.name = "api.example.com";
  records.push_back(record(exact));
  std::vector<store::NameRecord> rows;
  rows.push_back(record_of({.address = "192.0.2.1", .name = "s1.cdn.example.com"}));
  rows.push_back(record_of({.address = "192.0.2.2", .name = "s9.cdn.example.com"}));
  rows.push_back(record_of({.address = "192.0.2.2", .name = "other.example.net"}));
  const auto sets = analysis::name_sets_of(finding(records), rows, kNow);

  REQUIRE(sets.size() == 2);
  CHECK(sets[0].class_name == "*.cdn.example.com");
  CHECK(sets[0].pool.addresses.size() == 2);
  CHECK(sets[0].pool.names == std::set<std::string>{"s1.cdn.example.com", "s9.cdn.example.com"});
  CHECK(sets[0].also.at(ip("192.0.2.2")) == std::set<std::string>{"other.example.net"});
  CHECK(sets[1].class_name == "api.example.com");
  CHECK(sets[1].pool.addresses.empty());
}
