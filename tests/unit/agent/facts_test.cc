#include "agent/facts.h"

#include "agent/config.h"
#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::agent;
using namespace std::chrono_literals;

namespace {

// A wall clock that is set by hand.
class SetClock final : public Clock {
 public:
  TimePoint time = from_unix_ns(1'779'129'764'000'000'000);
  [[nodiscard]] TimePoint now() const override { return time; }
};

}  // namespace

TEST_CASE("the lockdown in force is the word in brackets, or none is known", "[facts]") {
  CHECK(chosen_word("[none] integrity confidentiality\n") == "none");
  CHECK(chosen_word("none [integrity] confidentiality\n") == "integrity");
  CHECK(chosen_word("") == "");
  CHECK(chosen_word("none integrity") == "");
  CHECK(chosen_word("]none[") == "");
  CHECK(chosen_word("[other] none") == "");
}

TEST_CASE("facts have what the hooks, the self-test and the certificate say now", "[facts]") {
  SetClock clock;
  FactSource source({.hook_mode = "tcx",
                     .hooks =
                         [] {
                           return HookSight{3, 2, 1, {{"cali1", "no"}}};
                         },
                     .certificate_expiry = [] { return from_unix_ns(7); }},
                    clock);
  CHECK(source.facts(0s).self_test.empty());
  source.self_tested(fail("refused"));

  const NodeFacts facts = source.facts(5ms);
  CHECK_FALSE(facts.kernel.empty());
  CHECK(facts.hook_mode == "tcx");
  CHECK(facts.interfaces_seen == 3);
  CHECK(facts.failures == std::vector<HookFailure>{{"cali1", "no"}});
  CHECK(facts.certificate_expiry == from_unix_ns(7));
  CHECK(facts.round_trip == 5ms);
  CHECK(facts.agent_start == clock.now());
  CHECK(facts.self_test == "failed");
  CHECK(facts.self_test_error == "refused");
  source.self_tested({});
  CHECK(source.facts(0s).self_test == "ok");
  CHECK(source.facts(0s).self_test_error.empty());
}

TEST_CASE("a wall clock that was set shows against the steady one", "[facts]") {
  SetClock clock;
  const FactSource source({.hook_mode = "tcx", .hooks = [] { return HookSight(); }}, clock);
  clock.time += 1h;

  const nanoseconds moved = source.facts(0s).clock_moved;
  CHECK(moved > 59min);
  CHECK(moved <= 1h);
}
