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
  const auto reports =
      split_report(head(), {.flows = flows(wire::kFlowsMax + 1)}, interfaces(20'000));

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

  const auto reports = split_report(head(), {.flows = last}, interfaces(20'000));

  REQUIRE(reports.size() == 1);
  CHECK(reports[0].interfaces.size() == wire::kInterfacesMax);
  CHECK(reports[0].interfaces.front().name == "cali20000");
  CHECK(wire::to_report(wire::to_batch(reports[0])).has_value());
}

TEST_CASE("a flow of an interface nobody remembers still travels", "[batches]") {
  const auto reports = split_report(head(), {.flows = flows(1)}, {});

  REQUIRE(reports[0].interfaces.size() == 1);
  CHECK(reports[0].interfaces[0].name == "unknown");
  CHECK(wire::to_report(wire::to_batch(reports[0])).has_value());
}

namespace {

net::Address address(std::size_t number) {
  return *net::Address::parse("2001:db8::" + std::to_string(number / 1000) + ":" +
                              std::to_string(number % 1000));
}

std::vector<NameAnswer> answers(std::size_t count) {
  std::vector<NameAnswer> made(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i].interface_id = 1;
    made[i].name = "n" + std::to_string(i) + ".example";
    made[i].target = "t" + std::to_string(i) + ".example";
    made[i].address = address(i);
    made[i].resolver = address(100'000 + i);
    made[i].answers = 1;
    made[i].first_answered = made[i].last_answered = kStart;
  }
  return made;
}

std::vector<SaidName> said(std::size_t count) {
  std::vector<SaidName> made(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i].interface_id = 2;
    made[i].destination = address(200'000 + i);
    made[i].destination_port = 443;
    made[i].count = 1;
    made[i].first_said = made[i].last_said = kStart;
  }
  return made;
}

std::vector<Flow> flows_apart(std::size_t count) {
  std::vector<Flow> made = flows(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i].key.interface_id = 3;
    made[i].key.destination = address(300'000 + i);
    made[i].source = address(400'000 + i);
  }
  return made;
}

}  // namespace

TEST_CASE("names stand in the flows' report or in one before it", "[batches]") {
  Report with_names = head();
  with_names.reads_names = true;
  const auto reports = split_report(
      with_names,
      {.answers = answers(wire::kAnswersMax + 1), .said = said(3), .flows = flows_apart(2)},
      interfaces(3));

  REQUIRE(reports.size() == 2);
  CHECK(reports[0].answers.size() == wire::kAnswersMax);
  CHECK(reports[0].flows.empty());
  CHECK(reports[1].answers.size() == 1);
  CHECK(reports[1].said.size() == 3);
  CHECK(reports[1].flows.size() == 2);
  CHECK(reports[1].interfaces.size() == 3);
  for (const Report& report : reports) CHECK(report.reads_names);
}

TEST_CASE("reports full of names and flows that share nothing are within the bounds of the wire",
          "[batches]") {
  const auto reports = split_report(head(),
                                    {.answers = answers(wire::kAnswersMax),
                                     .said = said(wire::kSaidMax),
                                     .flows = flows_apart(2 * wire::kFlowsMax)},
                                    interfaces(3));

  std::size_t flows_there = 0;
  for (const Report& report : reports) {
    const auto read = wire::to_report(wire::to_batch(report));
    REQUIRE(read.has_value());
    CHECK(read->answers == report.answers);
    CHECK(read->said == report.said);
    flows_there += read->flows.size();
  }
  CHECK(flows_there == 2 * wire::kFlowsMax);
  CHECK(reports.size() == 3);
}

TEST_CASE("rows of more interfaces than a report takes go on in the next", "[batches]") {
  std::vector<NameAnswer> many = answers(wire::kInterfacesMax);
  for (std::size_t i = 0; i < many.size(); ++i) many[i].interface_id = i + 10;

  const auto reports =
      split_report(head(), {.answers = many, .flows = flows_apart(1)}, interfaces(3));

  REQUIRE(reports.size() == 2);
  CHECK(reports[0].interfaces.size() == wire::kInterfacesMax);
  CHECK(reports[1].interfaces.size() == 1);
  for (const Report& report : reports) {
    CHECK(wire::to_report(wire::to_batch(report)).has_value());
  }
}
