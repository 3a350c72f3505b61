#include "agent/delta.h"

#include <arpa/inet.h>

#include <limits>

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::agent;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const TimePoint kStart = from_unix_ns(1'779'129'764'000'000'000);
const Interval kInterval{kStart, kStart + seconds(10)};
// 250 Hz; jiffy 10,000 is the interval's end.
const JiffyClock kClock{10'000, kInterval.end, milliseconds(4)};

flow_key key(std::uint16_t port, std::uint32_t interface_id = 1) {
  flow_key key{};
  key.destination[10] = key.destination[11] = 0xff;
  key.destination[12] = 192;
  key.destination[15] = 10;
  key.interface_id = interface_id;
  key.destination_port = htons(port);
  key.protocol = 6;
  return key;
}

TupleRow row(std::uint16_t port, std::uint64_t packets, std::uint32_t first = 9'000) {
  TupleRow row{key(port), {}};
  row.stats.packets = packets;
  row.stats.bytes = packets * 100;
  row.stats.attempts = 1;
  row.stats.first_jiffies = first;
  row.stats.last_jiffies = 9'500;
  return row;
}

Cumulative reading(std::vector<TupleRow> tuples) {
  Cumulative reading;
  reading.tuples = std::move(tuples);
  sort_rows(reading);
  return reading;
}

}  // namespace

TEST_CASE("a new tuple counts whole, with the times its jiffies mean", "[delta]") {
  const auto flows = flows_between({}, reading({row(443, 5)}), kClock, kInterval);

  REQUIRE(flows.size() == 1);
  CHECK(flows[0].key == FlowKey{1, *net::Address::parse("192.0.0.10"), 443, Protocol::Tcp});
  CHECK(flows[0].stats.packets == 5);
  CHECK(flows[0].stats.bytes == 500);
  CHECK(flows[0].stats.attempts == 1);
  CHECK(flows[0].stats.first_seen == kInterval.end - seconds(4));
  CHECK(flows[0].stats.last_seen == kInterval.end - seconds(2));
}

TEST_CASE("a known tuple counts what it gained, from the start of the interval", "[delta]") {
  const auto flows =
      flows_between(reading({row(443, 5)}), reading({row(443, 8)}), kClock, kInterval);

  REQUIRE(flows.size() == 1);
  CHECK(flows[0].stats.packets == 3);
  CHECK(flows[0].stats.attempts == 0);
  CHECK(flows[0].stats.first_seen == kStart);
}

TEST_CASE("the kernel's mark of QUIC becomes ours, and is never taken for a log's", "[delta]") {
  CHECK(to_flow_flags(FLOW_QUIC) == kFlowQuic);
  CHECK(to_flow_flags(FLOW_QUIC | FLOW_VLAN) == (kFlowQuic | kFlowVlan));
  for (const std::uint32_t flag :
       {FLOW_INFERRED, FLOW_PRE_EXISTING, FLOW_VLAN, FLOW_ICMP_REFUSED, FLOW_FRAGMENTED}) {
    CHECK(to_flow_flags(flag) == flag);
  }
  TupleRow first = row(443, 5);
  first.stats.flags_refused = FLOW_QUIC;

  CHECK(flows_between({}, reading({first}), kClock, kInterval)[0].stats.flags == kFlowQuic);
  // And when it is known, it is no news.
  CHECK(flows_between(reading({first}), reading({first}), kClock, kInterval).empty());
}

TEST_CASE("beginnings of connections that did not get through are told by reason", "[delta]") {
  Cumulative before;
  before.said_counts[SAID_LIMITED] = 3;
  Cumulative now = before;
  now.said_counts[SAID_COPIED] = now.said_counts[SAID_OTHER] = 9;
  now.said_counts[SAID_LIMITED] = 5;
  now.said_counts[SAID_DISPLACED] = 1;

  const auto skipped = skipped_between(before, now);
  REQUIRE(skipped.size() == 2);
  CHECK(skipped[0] == Counter{"said_limited", 2});
  CHECK(skipped[1] == Counter{"said_displaced", 1});
  for (std::size_t i = SAID_OTHER + 1; i < SAID_COUNT_MAX; ++i) {
    CHECK(is_name_loss(said_count_names().at(i)));
  }
}

TEST_CASE("a tuple that gained nothing is not a flow", "[delta]") {
  CHECK(flows_between(reading({row(443, 5), row(80, 1)}), reading({row(443, 5), row(80, 1)}),
                      kClock, kInterval)
            .empty());
}

TEST_CASE("bytes or an answer without a packet are a gain too", "[delta]") {
  TupleRow answered = row(443, 5);
  answered.stats.established = 1;
  TupleRow torn = row(80, 1);
  torn.stats.bytes += 7;
  TupleRow flagged = row(81, 1);
  flagged.stats.flags_refused = FLOW_VLAN;

  const auto flows = flows_between(reading({row(443, 5), row(80, 1), row(81, 1)}),
                                   reading({answered, torn, flagged}), kClock, kInterval);

  REQUIRE(flows.size() == 3);
  std::uint64_t bytes = 0;
  std::uint64_t established = 0;
  std::uint32_t flags = 0;
  for (const Flow& flow : flows) {
    CHECK(flow.stats.packets == 0);
    bytes += flow.stats.bytes;
    established += flow.stats.established;
    flags |= flow.stats.flags;
  }
  CHECK(bytes == 7);
  CHECK(established == 1);
  CHECK(flags == kFlowVlan);
}

TEST_CASE("32-bit counters may wrap", "[delta]") {
  TupleRow before = row(443, 5);
  before.stats.attempts = std::numeric_limits<std::uint32_t>::max() - 1;
  TupleRow after = row(443, 9);
  after.stats.attempts = 2;

  const auto flows = flows_between(reading({before}), reading({after}), kClock, kInterval);

  REQUIRE(flows.size() == 1);
  CHECK(flows[0].stats.attempts == 4);
}

TEST_CASE("jiffies may wrap", "[delta]") {
  const JiffyClock clock{100, kStart, milliseconds(4)};

  CHECK(clock.time_of(100) == kStart);
  CHECK(clock.time_of(std::numeric_limits<std::uint32_t>::max() - 149) == kStart - seconds(1));
  CHECK(clock.time_of(101) == kStart + milliseconds(4));
}

TEST_CASE("a tuple made anew counts whole", "[delta]") {
  const auto fewer =
      flows_between(reading({row(443, 5)}), reading({row(443, 2)}), kClock, kInterval);
  const auto later = flows_between(reading({row(443, 5, 8'000)}), reading({row(443, 7, 9'100)}),
                                   kClock, kInterval);

  REQUIRE(fewer.size() == 1);
  CHECK(fewer[0].stats.packets == 2);
  REQUIRE(later.size() == 1);
  CHECK(later[0].stats.packets == 7);
}

TEST_CASE("tuples that left the table take nothing from those that stay", "[delta]") {
  const auto flows = flows_between(reading({row(1, 9), row(443, 5), row(9'999, 9)}),
                                   reading({row(443, 6), row(500, 2)}), kClock, kInterval);

  REQUIRE(flows.size() == 2);
  CHECK(flows[0].stats.packets + flows[1].stats.packets == 3);
}

TEST_CASE("another source of a tuple is a flow of its own", "[delta]") {
  OtherSourceRow other{{key(443), {}}, row(443, 4).stats};
  other.key.source[15] = 9;
  Cumulative now = reading({row(443, 5)});
  now.other_sources = {other};

  const auto flows = flows_between({}, now, kClock, kInterval);

  REQUIRE(flows.size() == 2);
  CHECK(flows[1].key == flows[0].key);
  CHECK(flows[1].source == *net::Address::parse("::9"));
  CHECK(flows[1].stats.flags == kFlowOtherSource);
}

TEST_CASE("times of a flow are within its interval", "[delta]") {
  TupleRow early = row(443, 5, 1);
  early.stats.last_jiffies = 20'000;

  const auto flows = flows_between({}, reading({early}), kClock, kInterval);

  CHECK(flows.at(0).stats.first_seen == kInterval.start);
  CHECK(flows.at(0).stats.last_seen == kInterval.end);
}

TEST_CASE("an interval starts where the last one ended and never ends before", "[delta]") {
  const auto same = [](Interval a, Interval b) { return a == b; };

  const auto plain = next_interval(kStart, kStart + seconds(10));
  CHECK(same(plain.interval, kInterval));
  CHECK_FALSE(plain.stepped);

  const auto set_back = next_interval(kStart, kStart - seconds(10));
  CHECK(same(set_back.interval, {kStart, kStart}));
  CHECK(set_back.stepped);

  const auto far_back = next_interval(kStart, kStart - std::chrono::hours(25));
  CHECK(
      same(far_back.interval, {kStart - std::chrono::hours(25), kStart - std::chrono::hours(25)}));
  CHECK(far_back.stepped);

  // A machine whose clock began in 1970: the wire takes offsets of 400 days.
  const auto leap = next_interval(from_unix_ns(1'000), kStart);
  CHECK(same(leap.interval, {kStart, kStart}));
  CHECK(leap.stepped);
}

TEST_CASE("what was not recorded is told by reason, losses apart from skips", "[delta]") {
  Cumulative before;
  before.counts[COUNT_UDP_REPLY] = 10;
  before.dns_counts[DNS_LIMITED] = 1;
  Cumulative now = before;
  now.counts[COUNT_SEEN] = 99;
  now.counts[COUNT_OVERFLOWED] = 3;
  now.counts[COUNT_UDP_REPLY] = 14;
  now.counts[COUNT_RING_FULL] = 2;
  now.dns_counts[DNS_COPIED] = 7;
  now.dns_counts[DNS_LIMITED] = 4;

  CHECK(losses_between(before, now) == std::vector<Counter>{{"ring_full", 2}});
  CHECK(skipped_between(before, now) == std::vector<Counter>{{"udp_reply", 4}, {"dns_limited", 3}});
}

TEST_CASE("every count of the kernel has a name the wire takes", "[delta]") {
  std::vector<std::string> names(count_names().begin(), count_names().end());
  names.insert(names.end(), dns_count_names().begin(), dns_count_names().end());
  for (const std::string& name : names) {
    CHECK_FALSE(name.empty());
    CHECK(name.size() <= 32);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
  }
}
