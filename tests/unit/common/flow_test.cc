#include "common/flow.h"

#include "tests/support/catch.h"

using namespace outflow;

TEST_CASE("merging adds counters, joins flags and widens the span", "[flow]") {
  FlowStats stats{.packets = 2,
                  .bytes = 100,
                  .attempts = 1,
                  .established = 1,
                  .refused = 0,
                  .flags = kFlowVlan,
                  .first_seen = from_unix_ns(50),
                  .last_seen = from_unix_ns(60)};

  stats.merge({.packets = 3,
               .bytes = 50,
               .attempts = 0,
               .established = 0,
               .refused = 2,
               .flags = kFlowFragmented,
               .first_seen = from_unix_ns(40),
               .last_seen = from_unix_ns(55)});

  CHECK(stats == FlowStats{.packets = 5,
                           .bytes = 150,
                           .attempts = 1,
                           .established = 1,
                           .refused = 2,
                           .flags = kFlowVlan | kFlowFragmented,
                           .first_seen = from_unix_ns(40),
                           .last_seen = from_unix_ns(60)});
}

TEST_CASE("an empty value changes nothing when merged, on either side", "[flow]") {
  const FlowStats stats{.packets = 1,
                        .bytes = 1,
                        .attempts = 1,
                        .established = 0,
                        .refused = 0,
                        .flags = 0,
                        .first_seen = from_unix_ns(40),
                        .last_seen = from_unix_ns(60)};
  FlowStats left = stats;
  left.merge({});
  FlowStats right;
  right.merge(stats);

  CHECK(left == stats);
  CHECK(right == stats);
}

TEST_CASE("protocols read back what they write", "[flow]") {
  for (int number = 1; number < 256; ++number) {
    Protocol read{};
    REQUIRE(parse_protocol(to_text(static_cast<Protocol>(number)), &read));
    CHECK(read == static_cast<Protocol>(number));
  }
  Protocol read{};
  CHECK(parse_protocol("icmpv6", &read));
  CHECK_FALSE(parse_protocol("0", &read));
  CHECK_FALSE(parse_protocol("256", &read));
  CHECK_FALSE(parse_protocol("TCPx", &read));
}

TEST_CASE("flags are named in bit order, unknown bits by number", "[flow]") {
  CHECK(flag_names(kFlowVlan | kFlowInferred | 1U << 31) ==
        std::vector<std::string>{"inferred", "vlan", "bit31"});
}
