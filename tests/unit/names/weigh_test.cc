#include "aggregator/names/weigh.h"

#include "tests/unit/names/node.h"

using namespace outflow;
using namespace outflow::names;

namespace {

Look look(std::vector<Sighting> sightings) {
  return {at("12:00:00"), std::move(sightings)};
}

}  // namespace

TEST_CASE("what was never told has no name", "[names]") {
  CHECK(weigh({}, {}).naming == Naming::None);
  const Look nothing[] = {look({})};
  CHECK(weigh(nothing, {}).naming == Naming::None);
}

TEST_CASE("doubt about the pod is not doubt about the name", "[names]") {
  const Look one[] = {look({{1, 0, Basis::Cluster, at("11:59:00")}})};
  const Verdict verdict = weigh(one, {});

  CHECK(verdict.naming == Naming::Named);
  REQUIRE(verdict.shares.size() == 1);
  CHECK(verdict.shares[0].permille == 500);
}

TEST_CASE("names nobody can tell apart are kept up to a bound", "[names]") {
  std::vector<Sighting> many;
  for (Id name = 1; name <= 15; ++name) many.push_back({name, 0, Basis::Pod, at("11:59:00")});
  const Look all[] = {look(many)};
  CHECK(weigh(all, {}).shares.size() == attribution::kCandidatesMax);

  // Each of them less than 0.05: one stays, so that somebody is named.
  for (Id name = 16; name <= 30; ++name) many.push_back({name, 0, Basis::Pod, at("11:59:00")});
  const Look more[] = {look(many)};
  const Verdict verdict = weigh(more, {});
  CHECK(verdict.naming == Naming::Ambiguous);
  CHECK(verdict.shares.size() == 1);
}

TEST_CASE("names that were said share by how often", "[names]") {
  const Look one[] = {look({{1, 0, Basis::Pod, at("11:59:00")},
                            {2, 0, Basis::Pod, at("11:59:00")},
                            {3, 0, Basis::Pod, at("11:59:00")}})};
  const Said said[] = {{1, 3}, {2, 1}, {9, 5}};
  const Verdict verdict = weigh(one, said);

  CHECK(verdict.naming == Naming::Ambiguous);
  REQUIRE(verdict.shares.size() == 2);
  CHECK(verdict.shares[0].name == 1);
  CHECK(verdict.shares[0].permille == 750);
  CHECK(verdict.shares[0].said);
}

TEST_CASE("what is said later decides a verdict only among its names", "[names]") {
  const Look one[] = {
      look({{1, 0, Basis::Node, at("11:59:00")}, {2, 7, Basis::Node, at("11:59:00")}})};
  Verdict verdict = weigh(one, {});
  const Said foreign[] = {{9, 1}};
  decide(verdict, foreign);
  CHECK(verdict.naming == Naming::Ambiguous);

  const Said known[] = {{2, 1}};
  decide(verdict, known);
  CHECK(verdict.naming == Naming::Named);
  REQUIRE(verdict.shares.size() == 1);
  CHECK(verdict.shares[0].permille == 800);
  CHECK(verdict.shares[0].target == 7);
}
