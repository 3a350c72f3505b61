#include "agent/batches.h"

#include "proto/wire.h"
#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::agent;

namespace {

const TimePoint kStart = from_unix_ns(1'779'129'764'000'000'000);

Report head() {
  Report head;
  head.node = "n";
  head.boot[0] = 1;
  head.sequence = 1;
  head.interval = {kStart, kStart + std::chrono::seconds(10)};
  head.losses = {{"ring_full", 1}};
  head.skipped = {{"not_ip", 2}};
  return head;
}

std::vector<Flow> flows(std::size_t count) {
  std::vector<Flow> made(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i].key.interface_id = i + 1;
    made[i].key.protocol = Protocol::Udp;
    made[i].stats.first_seen = made[i].stats.last_seen = kStart;
  }
  return made;
}

std::map<std::uint32_t, Interface> interfaces(std::uint32_t count) {
  std::map<std::uint32_t, Interface> made;
  for (std::uint32_t id = 1; id <= count; ++id) made[id] = {id, "cali" + std::to_string(id), {}};
  return made;
}

}  // namespace

TEST_CASE("an interval in which nothing happened is a report all the same", "[batches]") {
  const auto reports = split_report(head(), {}, interfaces(3));

  REQUIRE(reports.size() == 1);
  CHECK(reports[0].flows.empty());
  CHECK(reports[0].interfaces.size() == 3);
  CHECK(reports[0].losses.size() == 1);
}

TEST_CASE("what does not fit into one report goes on in the next", "[batches]") {
  const auto reports = split_report(head(), flows(wire::kFlowsMax + 1), interfaces(20'000));

  REQUIRE(reports.size() == 2);
  CHECK(reports[0].flows.size() == wire::kFlowsMax);
  CHECK(reports[1].flows.size() == 1);
  CHECK(reports[1].interfaces.size() == 1);
  CHECK(reports[1].losses.empty());
  CHECK(reports[1].skipped.empty());
  CHECK(reports[1].interval == Interval{head().interval.end, head().interval.end});
}

TEST_CASE("more interfaces than a batch takes are cut, those of its flows never", "[batches]") {
  auto last = flows(1);
  last[0].key.interface_id = 20'000;

  const auto reports = split_report(head(), last, interfaces(20'000));

  REQUIRE(reports.size() == 1);
  CHECK(reports[0].interfaces.size() == wire::kInterfacesMax);
  CHECK(reports[0].interfaces.front().name == "cali20000");
  CHECK(wire::to_report(wire::to_batch(reports[0])).has_value());
}

TEST_CASE("a flow of an interface nobody remembers still travels", "[batches]") {
  const auto reports = split_report(head(), flows(1), {});

  REQUIRE(reports[0].interfaces.size() == 1);
  CHECK(reports[0].interfaces[0].name == "unknown");
  CHECK(wire::to_report(wire::to_batch(reports[0])).has_value());
}
