#include "proto/wire.h"

#include "tests/support/catch.h"

using namespace outflow;

namespace {

net::Address address(const char* text) {
  return *net::Address::parse(text);
}

Report sample() {
  const TimePoint start = from_unix_ns(1'779'129'764'000'000'000);
  Report report;
  report.node = "k8s-w1";
  report.boot = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  report.sequence = 7;
  report.agent_version = "1.2.3";
  report.interval = {start, start + std::chrono::seconds(10)};
  report.losses = {{"ring_full", 3}};
  report.skipped = {{"udp_reply", 40}};
  report.interfaces = {{.id = 5, .name = "cali814aae5e834", .addresses = {address("10.244.3.17")}},
                       {.id = 9, .name = "cali2dbb20d966b", .addresses = {}}};
  report.flows = {{.key = {5, address("192.0.2.10"), 443, Protocol::Tcp},
                   .source = address("10.244.3.17"),
                   .stats = {10, 4000, 2, 1, 0, kFlowVlan, start - std::chrono::microseconds(5),
                             start + std::chrono::seconds(1)}},
                  {.key = {9, address("2001:db8::53"), 53, Protocol::Udp},
                   .source = address("fd00::9"),
                   .stats = {1, 60, 0, 1, 0, 0, start, start}}};
  return report;
}

}  // namespace

TEST_CASE("a report crosses the wire unchanged", "[wire]") {
  CHECK(*wire::to_report(wire::to_batch(sample())) == sample());
}

TEST_CASE("the same report is the same bytes", "[wire]") {
  CHECK(wire::to_batch(sample()).SerializeAsString() ==
        wire::to_batch(sample()).SerializeAsString());
}

TEST_CASE("each address stands once in a batch", "[wire]") {
  Report report = sample();
  report.flows.push_back(report.flows.front());

  CHECK(wire::to_batch(report).addresses_size() == 4);
}

TEST_CASE("a malformed batch is refused by the field that is wrong", "[wire]") {
  struct Case {
    const char* field;
    void (*spoil)(v1::Batch&);
  };
  const Case cases[] = {
      {"node", [](v1::Batch& b) { b.clear_node(); }},
      {"node", [](v1::Batch& b) { b.set_node("a b"); }},
      {"boot", [](v1::Batch& b) { b.set_boot("short"); }},
      {"sequence", [](v1::Batch& b) { b.set_sequence(0); }},
      {"agent_version", [](v1::Batch& b) { b.set_agent_version("1.0\n"); }},
      {"interval_start_ns", [](v1::Batch& b) { b.set_interval_start_ns(-1); }},
      {"interval_end_ns", [](v1::Batch& b) { b.set_interval_end_ns(b.interval_start_ns() - 1); }},
      {"losses[0].reason", [](v1::Batch& b) { b.mutable_losses(0)->set_reason("Ring full"); }},
      {"skipped[0].reason", [](v1::Batch& b) { b.mutable_skipped(0)->set_reason(""); }},
      {"interfaces[1].name",
       [](v1::Batch& b) { b.mutable_interfaces(1)->set_name("a name far too long"); }},
      {"interfaces[0].addresses",
       [](v1::Batch& b) { b.mutable_interfaces(0)->set_addresses(0, "abc"); }},
      {"addresses[0]", [](v1::Batch& b) { b.set_addresses(0, ""); }},
      {"flows.interface[0]", [](v1::Batch& b) { b.mutable_flows()->set_interface(0, 2); }},
      {"flows.destination[1]", [](v1::Batch& b) { b.mutable_flows()->set_destination(1, 99); }},
      {"flows.source[0]", [](v1::Batch& b) { b.mutable_flows()->set_source(0, 99); }},
      {"flows.destination_port[0]",
       [](v1::Batch& b) { b.mutable_flows()->set_destination_port(0, 65536); }},
      {"flows.protocol[0]", [](v1::Batch& b) { b.mutable_flows()->set_protocol(0, 256); }},
      {"flows.first_seen_us[0]",
       [](v1::Batch& b) {
         b.mutable_flows()->set_first_seen_us(0, std::numeric_limits<std::int64_t>::min());
       }},
      {"flows.last_seen_us[0]", [](v1::Batch& b) { b.mutable_flows()->set_last_seen_us(0, -6); }},
      {"flows.bytes", [](v1::Batch& b) { b.mutable_flows()->mutable_bytes()->RemoveLast(); }},
      {"flows.flags", [](v1::Batch& b) { b.mutable_flows()->add_flags(0); }},
  };
  for (const Case& spoiled : cases) {
    v1::Batch batch = wire::to_batch(sample());
    spoiled.spoil(batch);

    const auto report = wire::to_report(batch);

    REQUIRE_FALSE(report);
    CHECK(report.error().what.rfind(spoiled.field, 0) == 0);
  }
}
