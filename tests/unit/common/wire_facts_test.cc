#include "proto/wire.h"
#include "tests/support/catch.h"

using namespace outflow;
using outflow::test::has_text;

namespace {

NodeFacts sample() {
  NodeFacts facts;
  facts.kernel = "6.1.0-29-amd64";
  facts.btf = true;
  facts.hook_mode = "tcx";
  facts.bpf_jit = "on";
  facts.lockdown = "integrity";
  facts.conntrack = true;
  facts.interfaces_seen = 3;
  facts.interfaces_hooked = 2;
  facts.interfaces_failed = 1;
  facts.failures = {{"cali12", "Operation not permitted"}};
  facts.agent_start = from_unix_ns(1);
  facts.clock_moved = nanoseconds(-2);
  facts.sent_at = from_unix_ns(3);
  facts.round_trip = nanoseconds(4);
  facts.certificate_expiry = from_unix_ns(5);
  facts.self_test = "failed";
  facts.self_test_error = "load: refused";
  return facts;
}

}  // namespace

TEST_CASE("facts of a node cross the wire unchanged, alone and in a report", "[wire]") {
  CHECK(*wire::to_facts(wire::to_message(sample())) == sample());
  Report report;
  report.node = "k8s-w1";
  report.sequence = 1;
  report.interval = {from_unix_ns(1), from_unix_ns(2)};
  report.facts = sample();
  CHECK(*wire::to_report(wire::to_batch(report)) == report);
}

TEST_CASE("what is over the bounds of a fact is cut before it is sent", "[wire]") {
  NodeFacts facts = sample();
  facts.kernel = std::string(1000, 'x');
  facts.self_test_error = "two\nlines \xff";
  facts.failures.assign(100, {std::string(100, 'c'), std::string(1000, 'r')});

  const auto read = wire::to_facts(wire::to_message(facts));
  REQUIRE(read);
  CHECK(read->kernel.size() == kFactTextMax);
  CHECK(read->self_test_error == "two lines  ");
  CHECK(read->failures.size() == kHookFailuresMax);
}

TEST_CASE("malformed facts are refused by the field that is wrong", "[wire]") {
  struct Case {
    const char* field;
    void (*spoil)(v1::NodeFacts&);
  };
  const Case cases[] = {
      {"facts: kernel", [](v1::NodeFacts& f) { f.set_kernel("a\nb"); }},
      {"facts: kernel", [](v1::NodeFacts& f) { f.set_kernel(std::string(129, 'x')); }},
      {"facts: hook_mode", [](v1::NodeFacts& f) { f.set_hook_mode("xdp"); }},
      {"facts: bpf_jit", [](v1::NodeFacts& f) { f.set_bpf_jit("2"); }},
      {"facts: lockdown", [](v1::NodeFacts& f) { f.set_lockdown("full"); }},
      {"facts: self_test", [](v1::NodeFacts& f) { f.set_self_test("maybe"); }},
      {"facts: self_test_error",
       [](v1::NodeFacts& f) { f.set_self_test_error(std::string(513, 'x')); }},
      {"facts: sent_at_ns", [](v1::NodeFacts& f) { f.set_sent_at_ns(-1); }},
      {"facts: round_trip_ns", [](v1::NodeFacts& f) { f.set_round_trip_ns(-1); }},
      {"facts: clock_moved_ns",
       [](v1::NodeFacts& f) { f.set_clock_moved_ns(std::numeric_limits<std::int64_t>::min()); }},
      {"facts: failures[0]", [](v1::NodeFacts& f) { f.mutable_failures(0)->set_reason("\x1b"); }},
      {"facts: failures",
       [](v1::NodeFacts& f) {
         while (f.failures_size() <= 32) f.add_failures();
       }},
  };
  for (const Case& spoiled : cases) {
    Report report;
    report.node = "k8s-w1";
    report.sequence = 1;
    report.interval = {from_unix_ns(1), from_unix_ns(2)};
    report.facts = sample();
    v1::Batch batch = wire::to_batch(report);
    spoiled.spoil(*batch.mutable_facts());

    const auto read = wire::to_report(batch);
    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().what, has_text(spoiled.field));
  }
}
