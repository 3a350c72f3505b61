// Times of flows under clocks that step, sleep and wrap: the wall clock is moved by hand, the
// kernel's counts on.
#include <arpa/inet.h>

#include <optional>
#include <random>

#include "agent/delta.h"
#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::agent;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const TimePoint kBoot = from_unix_ns(1'779'129'764'000'000'000);
constexpr seconds kEvery(10);

// A machine with one tuple, whose agent reports what it gained.
class Machine {
 public:
  explicit Machine(nanoseconds tick = milliseconds(4), std::uint64_t jiffies = 0)
      : tick_(tick), first_jiffy_(jiffies), interval_end_(kBoot) {
    row_.key.destination[15] = 1;
    row_.key.interface_id = 1;
    row_.key.destination_port = htons(443);
    row_.key.protocol = 6;
  }

  void run(nanoseconds time) {
    since_boot_ += time;
    wall_ += time;
  }
  void sleep(nanoseconds time) { wall_ += time; }  // jiffies and the monotonic clock stand still
  void step(nanoseconds by) { wall_ += by; }

  void packet() {
    if (row_.stats.packets++ == 0) row_.stats.first_jiffies = jiffies();
    row_.stats.bytes += 100;
    row_.stats.last_jiffies = jiffies();
  }

  struct Said {
    Interval interval;
    bool stepped = false;
    std::optional<FlowStats> flow;
  };
  Said report() {
    const auto [interval, stepped] = next_interval(interval_end_, wall_);
    Cumulative now;
    if (row_.stats.packets > 0) now.tuples = {row_};
    const auto flows = flows_between(handed_on_, now, {jiffies(), wall_, tick_}, interval);
    handed_on_ = now;
    interval_end_ = interval.end;
    Said said{interval, stepped, {}};
    if (!flows.empty()) said.flow = flows.at(0).stats;
    return said;
  }
  // A packet in the middle of the next interval, and its report.
  Said interval_with_packet() {
    run(kEvery / 2);
    packet();
    run(kEvery / 2);
    return report();
  }

  [[nodiscard]] TimePoint wall() const { return wall_; }
  [[nodiscard]] std::uint64_t packets() const { return row_.stats.packets; }

 private:
  [[nodiscard]] std::uint32_t jiffies() const {
    return static_cast<std::uint32_t>(first_jiffy_ +
                                      static_cast<std::uint64_t>(since_boot_ / tick_));
  }

  const nanoseconds tick_;
  const std::uint64_t first_jiffy_;
  nanoseconds since_boot_{};
  TimePoint wall_ = kBoot;
  TimePoint interval_end_;
  TupleRow row_{};
  Cumulative handed_on_;
};

bool within(const Machine::Said& said) {
  return said.interval.start <= said.flow->first_seen &&
         said.flow->first_seen <= said.flow->last_seen && said.flow->last_seen <= said.interval.end;
}

}  // namespace

TEST_CASE("times are those of the packets while all clocks agree", "[clock]") {
  Machine machine;
  for (int i = 0; i < 5; ++i) {
    const auto said = machine.interval_with_packet();
    REQUIRE(said.flow);
    CHECK(said.flow->packets == 1);
    CHECK(said.flow->last_seen == machine.wall() - kEvery / 2);
    CHECK(said.flow->first_seen == (i == 0 ? said.flow->last_seen : said.interval.start));
    CHECK_FALSE(said.stepped);
  }
}

TEST_CASE("a wall clock set forwards makes one long interval", "[clock]") {
  const nanoseconds leap =
      GENERATE(nanoseconds(seconds(3)), nanoseconds(hours(5)), nanoseconds(days(300)));
  Machine machine;
  const auto before = machine.interval_with_packet();
  machine.run(kEvery / 2);
  machine.packet();
  machine.step(leap);
  machine.run(kEvery / 2);
  const auto leapt = machine.report();
  const auto after = machine.interval_with_packet();

  CHECK_FALSE(leapt.stepped);
  CHECK(leapt.interval.start == before.interval.end);
  CHECK(leapt.interval.end == before.interval.end + kEvery + leap);
  REQUIRE(leapt.flow);
  CHECK(within(leapt));
  CHECK(leapt.flow->last_seen >= before.flow->last_seen);
  CHECK(after.interval.end - after.interval.start == kEvery);
  CHECK(after.flow->last_seen >= leapt.flow->last_seen);
}

TEST_CASE("a wall clock set back makes empty intervals until it has caught up", "[clock]") {
  const nanoseconds back = GENERATE(nanoseconds(seconds(3)), nanoseconds(minutes(7)));
  Machine machine;
  auto said = machine.interval_with_packet();
  machine.step(-back);
  const TimePoint reached = said.interval.end;
  std::uint64_t packets = 1;
  while (machine.wall() + kEvery < reached) {
    const TimePoint seen = said.flow->last_seen;
    said = machine.interval_with_packet();
    REQUIRE(said.flow);
    packets += said.flow->packets;
    CHECK(said.stepped);
    CHECK(said.interval.start == reached);
    CHECK(said.interval.end == reached);
    CHECK(said.flow->last_seen >= seen);
  }
  const auto caught_up = machine.interval_with_packet();

  CHECK_FALSE(caught_up.stepped);
  CHECK(caught_up.interval.start == reached);
  CHECK(caught_up.interval.end == machine.wall());
  CHECK(within(caught_up));
  CHECK(packets + caught_up.flow->packets == machine.packets());
}

TEST_CASE("a wall clock set back by more than a day begins anew, and loses no packet", "[clock]") {
  Machine machine;
  const auto before = machine.interval_with_packet();
  machine.step(-days(2));
  const auto anew = machine.interval_with_packet();
  const auto after = machine.interval_with_packet();

  CHECK(anew.stepped);
  CHECK(anew.interval.start == anew.interval.end);
  CHECK(anew.interval.end == before.interval.end - days(2) + kEvery);
  CHECK(within(anew));
  CHECK_FALSE(after.stepped);
  CHECK(before.flow->packets + anew.flow->packets + after.flow->packets == machine.packets());
}

TEST_CASE("what was before a sleep is told late by no more than the sleep", "[clock]") {
  Machine machine;
  const auto before = machine.interval_with_packet();
  machine.packet();
  const TimePoint sent = machine.wall();
  machine.sleep(hours(8));
  machine.run(kEvery);
  const auto said = machine.report();

  REQUIRE(said.flow);
  CHECK(within(said));
  CHECK(said.flow->last_seen >= sent);
  CHECK(said.flow->last_seen - sent <= hours(8));
  CHECK(said.interval.start == before.interval.end);
}

TEST_CASE("jiffies wrap five minutes after the boot, and nobody notices", "[clock]") {
  // The kernel begins there on purpose (INITIAL_JIFFIES).
  const nanoseconds tick = GENERATE(nanoseconds(milliseconds(1)), nanoseconds(milliseconds(10)));
  const auto five_minutes = static_cast<std::uint64_t>(minutes(5) / tick);
  Machine machine(tick, (std::uint64_t{1} << 32U) - five_minutes);
  TimePoint seen = kBoot;
  for (int i = 0; i < 60; ++i) {
    const auto said = machine.interval_with_packet();
    REQUIRE(said.flow);
    CHECK(said.flow->packets == 1);
    CHECK(said.flow->last_seen == machine.wall() - kEvery / 2);
    CHECK(said.flow->last_seen > seen);
    seen = said.flow->last_seen;
  }
}

TEST_CASE("a packet from further back than jiffies reach is told within its interval", "[clock]") {
  // 32 bits of milliseconds are 49 days; a moment is told apart within half of them. A machine
  // whose agent was away longer still says when it can have been at most.
  const days away = GENERATE(days(20), days(30), days(48), days(60));
  Machine machine(milliseconds(1));
  machine.interval_with_packet();
  machine.packet();
  machine.run(away);
  const auto said = machine.report();

  REQUIRE(said.flow);
  CHECK(said.flow->packets == 1);
  CHECK(within(said));
}

TEST_CASE("whatever the clocks do, times stay in their interval and packets are counted once",
          "[clock]") {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const auto up_to = [&random](std::int64_t limit) {
    return std::uniform_int_distribution<std::int64_t>(0, limit)(random);
  };
  Machine machine(milliseconds(1 + up_to(9)), static_cast<std::uint64_t>(up_to(0xffff'ffff)));
  std::uint64_t packets = 0;
  TimePoint end = kBoot;
  TimePoint seen = kBoot;
  INFO("seed " << seed);
  for (int i = 0; i < 2'000; ++i) {
    const std::int64_t what = up_to(19);
    if (what == 0) machine.step(milliseconds(up_to(7'200'000)));
    if (what == 1) machine.step(-milliseconds(up_to(7'200'000)));
    if (what == 2) machine.step((up_to(1) == 0 ? 1 : -1) * hours(up_to(72)));
    if (what == 3) machine.sleep(minutes(up_to(600)));
    if (what == 4) machine.run(days(up_to(10)));
    for (std::int64_t sent = up_to(3); sent > 0; --sent) {
      machine.run(milliseconds(up_to(2'000)));
      machine.packet();
    }
    machine.run(milliseconds(up_to(10'000)));
    const auto said = machine.report();

    REQUIRE(said.interval.start <= said.interval.end);
    const bool anew = said.interval.start != end;
    REQUIRE((!anew || end - machine.wall() > days(1) || machine.wall() - end > days(366)));
    if (said.flow) {
      packets += said.flow->packets;
      REQUIRE(within(said));
      // Not backwards by more than an interval, unless time itself began anew.
      REQUIRE((anew || said.flow->last_seen >= seen));
      seen = said.flow->last_seen;
    } else if (anew) {
      seen = said.interval.end;
    }
    REQUIRE(packets == machine.packets());
    end = said.interval.end;
  }
}
