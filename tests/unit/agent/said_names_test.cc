#include "agent/said_names.h"

#include "tests/support/catch.h"
#include "tests/support/hello.h"
#include "tests/unit/agent/said_records.h"

using namespace outflow;
using namespace outflow::agent;
using namespace outflow::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const TimePoint kStart = from_unix_ns(1'779'129'764'000'000'000);
const Interval kInterval{kStart, kStart + seconds(10)};
// 250 Hz; jiffy 10,000 is the interval's end.
const JiffyClock kClock{10'000, kInterval.end, milliseconds(4)};

struct Names : SaidNames {
  explicit Names(const Bounds& bounds = {}) : SaidNames(*HelloReader::open(), bounds) {}
  void say(const HelloBytes& bytes, const SaidPart& part = {}) {
    const auto record = said_whole(bytes, part);
    take(record.data(), record.size());
  }
  [[nodiscard]] std::vector<SaidName> all() const { return rows(kClock, kInterval); }
  [[nodiscard]] std::uint64_t count(SaidCount what) const {
    return counts().at(static_cast<std::size_t>(what));
  }
};

HelloBytes request(const std::string& host) {
  const std::string text = "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("what is said again is one row, with the times of the first and the last", "[said]") {
  Names names;
  names.say(make_hello("a.example"), {.jiffies = 9'000});
  names.say(make_hello("A.example"), {.source_port = 2, .jiffies = 9'500});

  REQUIRE(names.all().size() == 1);
  CHECK(names.all()[0] == SaidName{.interface_id = 7,
                                   .destination = *net::Address::parse("192.0.2.1"),
                                   .destination_port = 443,
                                   .name = "a.example",
                                   .flags = 0,
                                   .count = 2,
                                   .first_said = kInterval.end - seconds(4),
                                   .last_said = kInterval.end - seconds(2)});
  CHECK(names.count(SaidCount::Hello) == 2);
  CHECK(skipped_between({}, names.counts()).empty());
}

TEST_CASE("another port, name or kind is another row", "[said]") {
  Names names;
  names.say(make_hello("a.example"));
  names.say(make_hello("a.example"), {.destination_port = 8443});
  names.say(make_hello("b.example"));
  names.say(make_hello(""));
  names.say(with_extension(make_hello("a.example"), kExtensionEch, {1}));
  names.say(request("a.example"));
  names.say(request("192.0.2.1"));

  CHECK(names.all().size() == 7);
  CHECK(names.count(SaidCount::Hello) == 4);
  CHECK(names.count(SaidCount::Request) == 1);
  CHECK(names.count(SaidCount::Nameless) == 2);
  const auto has = [&](const std::string& name, std::uint32_t flags) {
    for (const SaidName& row : names.all()) {
      if (row.name == name && row.flags == flags) return true;
    }
    return false;
  };
  CHECK(has("a.example", kSaidHost));
  CHECK(has("a.example", kSaidEch));
  CHECK(has("", 0));
  CHECK(has("", kSaidHost));
}

TEST_CASE("rows are given until they are kept, and times are within the interval", "[said]") {
  Names names;
  names.say(make_hello("a.example"), {.jiffies = 1});
  CHECK(names.all() == names.all());
  CHECK(names.all()[0].first_said == kInterval.start);
  names.kept();
  CHECK(names.all().empty());
  names.say(make_hello("a.example"), {.jiffies = 20'000});

  CHECK(names.all()[0].count == 1);
  CHECK(names.all()[0].last_said == kInterval.end);
}

TEST_CASE("what does not get through is counted by its reason", "[said]") {
  Names names({.rows = 1});
  names.say(make_hello("a.example"));
  names.say(make_hello("a.example"));
  names.say(make_hello("b.example"));
  names.say(request("a b"));
  names.say(HelloBytes(10, 22));
  names.say(make_hello("a.example"), {.destination_port = 0});
  names.take("", 0);
  const auto part = said_part(make_hello("a.example"), {.offset = 10, .size = 10});
  names.take(part.data(), part.size());

  CHECK(names.all().size() == 1);
  const auto skipped = skipped_between({}, names.counts());
  REQUIRE(skipped.size() == 3);
  CHECK(skipped[0] == Counter{"said_unreadable", 4});
  CHECK(skipped[1] == Counter{"said_stream_gap", 1});
  CHECK(skipped[2] == Counter{"said_names_full", 1});
  CHECK(skipped_between(names.counts(), names.counts()).empty());
}
