#include "common/text.h"

#include "tests/support/catch.h"

using namespace outflow;
using namespace std::chrono_literals;

TEST_CASE("a duration reads with its unit", "[text]") {
  CHECK(*parse_duration("500ms") == 500ms);
  CHECK(*parse_duration("10s") == 10s);
  CHECK(*parse_duration("5m") == 5min);
  CHECK(*parse_duration("1h30m") == 90min);
  CHECK(*parse_duration("7d") == 168h);
  CHECK(*parse_duration("2w") == 336h);
}

TEST_CASE("a duration without number, without unit or too long is refused by name", "[text]") {
  for (const char* text :
       {"", "10", "s", "-5s", "10x", "1h30", "99999999999999999999s", "400000d", "1.5h"}) {
    const auto duration = parse_duration(text);
    REQUIRE_FALSE(duration);
    CHECK(duration.error().what.find(text) != std::string::npos);
  }
}

TEST_CASE("a duration is written in its largest units and reads back", "[text]") {
  CHECK(to_text(nanoseconds(0s)) == "0s");
  CHECK(to_text(nanoseconds(90min)) == "1h30m");
  CHECK(to_text(nanoseconds(168h)) == "7d");
  CHECK(*parse_duration(to_text(nanoseconds(26h + 250ms))) == 26h + 250ms);
}

TEST_CASE("times read as RFC 3339, with offset and fraction", "[text]") {
  const auto time = parse_time("2026-05-18T18:42:44Z");
  REQUIRE(time);
  CHECK(to_text(*time) == "2026-05-18T18:42:44Z");
  CHECK(*parse_time("2026-05-18T20:42:44+02:00") == *time);
  CHECK(*parse_time("2026-05-18T18:42:44.019231+00:00") == *time + 19231us);
  CHECK(to_text(day_of(*time)) == "2026-05-18");
  CHECK(*parse_time("2026-05-18") == Day(std::chrono::year(2026) / 5 / 18));
}

TEST_CASE("what is no time is refused", "[text]") {
  for (const char* text :
       {"", "2026", "2026-02-30", "2026-05-18T", "2026-05-18T24:00:00Z", "2026-05-18T18:42:44",
        "2026-05-18T18:42:44+2:00", "2026-05-18T18:42:44.Z", "9999-01-01T00:00:00Z"}) {
    CHECK_FALSE(parse_time(text));
  }
}
