#include "aggregator/apply/plan.h"

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::apply;
using std::chrono::minutes;

namespace {

const TimePoint kNow = from_unix_ns(1'800'000'000'000'000'000);
const Trust kComplete;

std::vector<net::Prefix> nets_of(const std::vector<std::string>& texts) {
  std::vector<net::Prefix> nets;
  for (const auto& text : texts) {
    const auto net = net::Prefix::parse(text);
    REQUIRE(net);
    nets.push_back(*net);
  }
  return nets;
}

Wanted wanted(const std::vector<std::string>& nets) {
  return {.name = "s", .namespace_name = "shop", .nets = nets};
}
Current current(const std::vector<std::string>& nets) {
  return {"u", "1", {{std::string(kOwnLabel), "s"}}, nets_of(nets)};
}
Absences missed(const std::vector<std::string>& nets, minutes ago) {
  Absences absences;
  for (const auto& net : nets_of(nets)) absences[net] = kNow - ago;
  return absences;
}

std::vector<std::string> reasons(const Plan& plan) {
  std::vector<std::string> reasons;
  for (const auto& refusal : plan.refusals) reasons.push_back(refusal.reason);
  return reasons;
}
using Reasons = std::vector<std::string>;

}  // namespace

TEST_CASE("what is wanted is added at once, whatever the answer is worth", "[apply]") {
  const Current has = current({"1.1.1.1"});
  const Plan made =
      plan(wanted({"1.1.1.1", "8.8.8.8"}), {&has, {}}, {}, {"a node has no agent"}, kNow);

  CHECK(made.nets == nets_of({"1.1.1.1", "8.8.8.8"}));
  CHECK(made.added == 1);
  CHECK(made.removed == 0);
  CHECK(made.refusals.empty());
}

TEST_CASE("a set that holds what is wanted is left alone", "[apply]") {
  const Current has = current({"1.1.1.1", "8.8.8.8"});
  const Plan made = plan(wanted({"8.8.8.8", "1.1.1.1/32"}), {&has, {}}, {}, kComplete, kNow);

  CHECK_FALSE(made.changes());
  CHECK(made.kept == 0);
}

TEST_CASE("an address leaves when answers did without it for long enough", "[apply]") {
  const Current has = current({"1.1.1.1", "8.8.8.8"});
  const Plan first = plan(wanted({"8.8.8.8"}), {&has, {}}, {}, kComplete, kNow);
  const Plan later =
      plan(wanted({"8.8.8.8"}), {&has, first.absences}, {}, kComplete, kNow + minutes(9));
  const Plan last =
      plan(wanted({"8.8.8.8"}), {&has, later.absences}, {}, kComplete, kNow + minutes(10));

  CHECK_FALSE(first.changes());
  CHECK(first.kept == 1);
  CHECK_FALSE(later.changes());
  CHECK(last.removed == 1);
  CHECK(last.nets == nets_of({"8.8.8.8"}));
  CHECK(last.absences.empty());
}

TEST_CASE("an address that is wanted again is not missed any more", "[apply]") {
  const Current has = current({"1.1.1.1", "8.8.8.8"});
  const Before before{&has, missed({"1.1.1.1"}, minutes(60))};
  const Plan made = plan(wanted({"1.1.1.1", "8.8.8.8"}), before, {}, kComplete, kNow);

  CHECK(made.absences.empty());
  CHECK_FALSE(made.changes());
}

TEST_CASE("nothing leaves by an answer that is not complete, and that is said", "[apply]") {
  const Current has = current({"1.1.1.1", "8.8.8.8"});
  const Before before{&has, missed({"1.1.1.1"}, minutes(60))};
  const Plan made = plan(wanted({"8.8.8.8"}), before, {}, {"w1 is late"}, kNow);

  CHECK_FALSE(made.changes());
  CHECK(made.kept == 1);
  REQUIRE(reasons(made) == Reasons{"incomplete"});
  CHECK_THAT(made.refusals[0].what, test::has_text("w1 is late"));
}

TEST_CASE("all that is there never leaves in one step", "[apply]") {
  const Current has = current({"1.1.1.1"});
  const Before before{&has, missed({"1.1.1.1"}, minutes(60))};
  const Plan made = plan(wanted({"8.8.8.8"}), before, {}, kComplete, kNow);
  CHECK(made.nets == nets_of({"1.1.1.1", "8.8.8.8"}));
  CHECK(made.removed == 0);

  const Current both = current({"1.1.1.1", "8.8.8.8"});
  const Plan next = plan(wanted({"8.8.8.8"}), {&both, made.absences}, {}, kComplete, kNow);
  CHECK(next.nets == nets_of({"8.8.8.8"}));
}

TEST_CASE("a set is not emptied, unless that is allowed", "[apply]") {
  const Current has = current({"1.1.1.1"});
  const Before before{&has, missed({"1.1.1.1"}, minutes(60))};
  Rules rules;
  const Plan kept = plan(wanted({}), before, rules, kComplete, kNow);
  CHECK_FALSE(kept.changes());
  CHECK(reasons(kept) == Reasons{"would_empty"});

  rules.may_empty = true;
  const Plan emptied = plan(wanted({}), before, rules, kComplete, kNow);
  CHECK(emptied.removed == 1);
  CHECK(emptied.nets.empty());
}

TEST_CASE("a set of which only refused nets are wanted stays as it is", "[apply]") {
  const Current has = current({"1.1.1.1"});
  const Plan made = plan(wanted({"10.0.0.1"}), {&has, {}}, {}, kComplete, kNow);

  CHECK_FALSE(made.changes());
  CHECK(reasons(made) == Reasons{"private", "would_empty"});
}

TEST_CASE("a set in use that became unusable gets what is new, and nothing leaves it", "[apply]") {
  const Current has = current({"1.1.1.1"});
  Wanted want = wanted({"8.8.8.8"});
  want.usable = false;
  want.reason = "too few answers";
  const Absences missed{{*net::Prefix::parse("1.1.1.1/32"), kNow - std::chrono::hours(1)}};
  const Plan made = plan(want, {&has, missed}, {}, kComplete, kNow);

  CHECK(made.added == 1);
  CHECK(made.removed == 0);
  CHECK(made.nets.size() == 2);
  CHECK(reasons(made) == Reasons{"unusable"});
}

TEST_CASE("no set begins with what is unusable", "[apply]") {
  const Current empty = current({});
  Wanted want = wanted({"8.8.8.8"});
  want.usable = false;
  want.reason = "too few answers";
  const Plan made = plan(want, {&empty, {}}, {}, kComplete, kNow);

  CHECK_FALSE(made.changes());
  CHECK(made.refusals == std::vector<Refusal>{{"unusable", "too few answers"}});
}

TEST_CASE("a set without our label is never touched", "[apply]") {
  for (const char* label : {"", "other"}) {
    Current has = current({"1.1.1.1"});
    has.labels.clear();
    if (*label != '\0') has.labels[std::string(kOwnLabel)] = label;
    const Plan made = plan(wanted({"8.8.8.8"}), {&has, {}}, {}, kComplete, kNow);

    CHECK_FALSE(made.changes());
    CHECK(reasons(made) == Reasons{"foreign"});
  }
}

TEST_CASE("a set that somebody else wrote nonsense into is left alone", "[apply]") {
  Current has = current({"1.1.1.1"});
  has.odd_net = "example.com";
  const Plan made = plan(wanted({"8.8.8.8"}), {&has, {}}, {}, kComplete, kNow);

  CHECK_FALSE(made.changes());
  CHECK(reasons(made) == Reasons{"unreadable"});
}

TEST_CASE("a set never holds more than the most, those that stay for now included", "[apply]") {
  Rules rules;
  rules.nets_max = 2;
  const Current has = current({"1.1.1.1"});
  const Plan many =
      plan(wanted({"8.8.8.8", "8.8.8.9", "8.8.8.10"}), {&has, {}}, rules, kComplete, kNow);
  CHECK_FALSE(many.changes());
  CHECK(reasons(many) == Reasons{"too_many"});

  const Plan together = plan(wanted({"8.8.8.8", "8.8.8.9"}), {&has, {}}, rules, kComplete, kNow);
  CHECK_FALSE(together.changes());
  CHECK(reasons(together) == Reasons{"too_many"});

  const Plan fits = plan(wanted({"8.8.8.8"}), {&has, {}}, rules, kComplete, kNow);
  CHECK(fits.nets == nets_of({"1.1.1.1", "8.8.8.8"}));
}
