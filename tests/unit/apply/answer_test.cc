#include "aggregator/apply/answer.h"

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::apply;
using outflow::test::has_text;

namespace {

v1::SetsAnswer good_answer() {
  v1::SetsAnswer answer;
  answer.mutable_context()->set_inventory_as_of("2026-05-18T18:00:00Z");
  return answer;
}
v1::NetworkSet& add(v1::SetsAnswer& answer, const std::string& name,
                    const std::string& namespace_name = "shop") {
  v1::NetworkSet& set = *answer.add_items();
  set.set_name(name);
  set.set_namespace_(namespace_name);
  set.set_usable(true);
  return set;
}
v1::StatusAnswer status_with(const std::string& state, bool in_inventory) {
  v1::StatusAnswer status;
  auto& node = *status.add_items();
  node.set_node("w1");
  node.set_state(state);
  node.set_in_inventory(in_inventory);
  return status;
}

}  // namespace

TEST_CASE("a set is read whole", "[apply]") {
  v1::SetsAnswer answer = good_answer();
  v1::NetworkSet& set = add(answer, "s");
  (*set.mutable_labels())["a"] = "b";
  (*set.mutable_annotations())["c"] = "d";
  set.add_nets()->set_net("8.8.8.8/32");
  set.set_reason("why");
  const Answered read = read_answer(answer, {}, {"shop"});

  CHECK(read.sets == std::vector<Wanted>{
                         {"s", "shop", {{"a", "b"}}, {{"c", "d"}}, {"8.8.8.8/32"}, true, "why"}});
  CHECK(read.refusals.empty());
  CHECK(read.trust.complete());
}

TEST_CASE("a set that nobody asked about, that two have, or that has no name is not written",
          "[apply]") {
  v1::SetsAnswer answer = good_answer();
  for (const char* name : {"", "../../namespaces", "A", "a/b", "a?force=true", "-a"})
    add(answer, name);
  add(answer, "other", "bank");
  add(answer, "twice");
  add(answer, "twice");
  add(answer, "good");
  const Answered read = read_answer(answer, {}, {"shop"});

  REQUIRE(read.sets.size() == 1);
  CHECK(read.sets[0].name == "good");
  std::vector<std::string> reasons;
  for (const auto& refusal : read.refusals) reasons.push_back(refusal.reason);
  CHECK(reasons == std::vector<std::string>{"name", "name", "name", "name", "name", "name",
                                            "namespace", "ambiguous"});
  CHECK(read_answer(answer, {}, {}).sets.size() == 2);  // all namespaces
}

TEST_CASE("an answer without all that sees is not complete", "[apply]") {
  const auto why = [](const v1::SetsAnswer& answer, const v1::StatusAnswer& status = {}) {
    return read_answer(answer, status, {}).trust.why_not;
  };
  v1::SetsAnswer answer;
  CHECK_THAT(why(answer), has_text("no inventory"));
  answer = good_answer();
  answer.mutable_context()->set_inventory_stale(true);
  CHECK_THAT(why(answer), has_text("stale"));
  answer = good_answer();
  answer.mutable_context()->set_inventory_error("is gone");
  CHECK_THAT(why(answer), has_text("is gone"));
  answer = good_answer();
  answer.mutable_context()->add_missing_nodes("w3");
  CHECK_THAT(why(answer), has_text("w3 has no agent"));
  CHECK_THAT(why(good_answer(), status_with("late", true)), has_text("w1 is late"));
  CHECK(why(good_answer(), status_with("late", false)).empty());  // the node is gone
  CHECK(why(good_answer(), status_with("reporting", true)).empty());
}

TEST_CASE("a namespace nobody knows is told", "[apply]") {
  v1::SetsAnswer answer = good_answer();
  answer.mutable_context()->add_unknown_namespaces("shpo");

  const auto refusals = read_answer(answer, {}, {"shpo"}).refusals;
  REQUIRE(refusals.size() == 1);
  CHECK_THAT(refusals[0].what, has_text("shpo"));
}
