// Flows that open nothing: later packets of a connection, and datagrams.
#include "tests/unit/names/node.h"

using namespace outflow;
using namespace outflow::names;

TEST_CASE("a long connection keeps the name it was opened by", "[names]") {
  Index index;
  Node node(index);
  node.tell(at("12:00:10"), {.answers = {told("db.example.com", at("12:00:01"))},
                             .flows = {dialled(at("12:00:02"))}});
  // Hours after the end of the answer, and another name came meanwhile.
  node.tell(at("18:00:00"), {.answers = {told("new.example.com", at("17:59:59"))}});
  const auto evidence = node.tell({.flows = {went_on(at("18:00:00"), at("18:00:05"))}});

  CHECK(evidence.naming == Naming::Named);
  CHECK(candidates(evidence) == Texts{"db.example.com 1000 pod"});
}

TEST_CASE("a connection to a raw address stays one, whatever is told later", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  node.tell({.flows = {dialled(at("12:00:02"))}});

  CHECK(node.tell({.answers = {told("db.example.com", at("12:00:11"))},
                   .flows = {went_on(at("12:00:10"), at("12:00:15"))}})
            .naming == Naming::RawAddress);
}

TEST_CASE("what was said once the connection was open decides from then on", "[names]") {
  Index index;
  Node node(index);
  node.tell(at("12:00:10"), {.answers = {told("a.example.com", at("12:00:01")),
                                         told("b.example.com", at("12:00:01"))},
                             .flows = {dialled(at("12:00:09.99"))}});
  const auto hello = node.tell({.flows = {went_on(at("12:00:10"), at("12:00:15"))},
                                .said = {said("b.example.com", at("12:00:10.01"))}});
  CHECK(candidates(hello) == Texts{"b.example.com 1000 pod said"});

  const auto later = node.tell({.flows = {went_on(at("12:00:20"), at("12:00:25"))}});
  CHECK(candidates(later) == Texts{"b.example.com 1000 pod said"});
  CHECK(later.said.empty());
}

TEST_CASE("a connection nobody saw being opened has the name told before it, or is unknown",
          "[names]") {
  Index index;
  Node node(index);
  node.tell(at("12:00:10"), {.answers = {told("db.example.com", at("12:00:01"))}});
  CHECK(node.tell({.flows = {went_on(at("12:00:10"), at("12:00:15"))}}).naming == Naming::Named);

  Flow other = went_on(at("12:00:20"), at("12:00:25"));
  other.key.destination = address("192.0.2.99");
  const auto evidence = node.tell({.flows = {other}});
  CHECK(evidence.naming == Naming::Unknown);
  CHECK(evidence.reason == "its opening was not reported");
}

TEST_CASE("a connection older than the agent is unknown", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  for (const std::uint32_t flag : {kFlowPreExisting, kFlowInferred}) {
    Flow old = went_on(at("12:00:05"), at("12:00:06"));
    old.stats.flags = flag;
    const auto evidence = node.tell({.flows = {old}});
    CHECK(evidence.naming == Naming::Unknown);
    CHECK(evidence.reason == "it was opened before the agent looked");
  }
  // The tuple keeps its flag when it is opened anew.
  Flow again = dialled(at("12:00:25"));
  again.stats.flags = kFlowPreExisting;
  CHECK(node.tell({.flows = {again}}).naming == Naming::RawAddress);
}

TEST_CASE("several openings of a tuple in one report may have had several names", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  Flow twice = dialled(at("12:00:02"));
  twice.stats.attempts = 2;
  twice.stats.last_seen = at("12:00:08");
  const auto evidence = node.tell(
      {.answers = {told("a.example.com", at("12:00:01")), told("b.example.com", at("12:00:07"))},
       .flows = {twice}});

  // The first was a for certain, of the last b is a little likelier.
  CHECK(evidence.naming == Naming::Ambiguous);
  CHECK(candidates(evidence) == Texts{"a.example.com 725 pod", "b.example.com 275 pod"});
}

TEST_CASE("one opening has the names of its moment, however long it is used", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  Flow once = dialled(at("12:00:02"));
  once.stats.last_seen = at("12:00:08");
  const auto evidence = node.tell(
      {.answers = {told("a.example.com", at("12:00:01")), told("b.example.com", at("12:00:07"))},
       .flows = {once}});

  CHECK(candidates(evidence) == Texts{"a.example.com 1000 pod"});
}

TEST_CASE("datagrams whose lookup may have been missed are looked at again", "[names]") {
  Index index;
  Node node(index);
  CHECK(node.tell({.flows = {datagrams(at("06:00:11"), at("06:00:12"))}}).naming ==
        Naming::Unknown);
  node.rest(at("08:00:00"));
  CHECK(node.tell({.flows = {datagrams(at("08:00:00"), at("08:00:05"))}}).naming ==
        Naming::RawAddress);
}

TEST_CASE("a tuple that was there before was opened some time in the interval", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  Flow again = dialled(at("12:00:00"));
  again.stats.last_seen = at("12:00:08");

  CHECK(node.tell({.answers = {told("db.example.com", at("12:00:05"))}, .flows = {again}}).naming ==
        Naming::Named);
}

TEST_CASE("the second report of an interval knows when the interval began", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  node.tell(at("12:00:10"), {.answers = {told("db.example.com", at("12:00:05"))}});
  Flow again = dialled(at("12:00:00"));
  again.stats.last_seen = at("12:00:08");
  CHECK(node.tell(at("12:00:10"), {.flows = {again}})[0].naming == Naming::Named);

  const Flow fresh = dialled(at("12:00:04"), kThere, 8443);
  CHECK(node.tell(at("12:00:10"), {.flows = {fresh}})[0].naming == Naming::RawAddress);
}

TEST_CASE("datagrams keep their name until their pod is told another one", "[names]") {
  Index index;
  Node node(index);
  node.tell(at("12:00:10"), {.answers = {told("time.example.com", at("12:00:01"))},
                             .flows = {datagrams(at("12:00:02"), at("12:00:03"))}});
  node.rest(at("15:00:00"));
  CHECK(candidates(node.tell({.flows = {datagrams(at("15:00:00"), at("15:00:05"))}})) ==
        Texts{"time.example.com 1000 pod"});

  CHECK(candidates(node.tell({.answers = {told("ntp.example.com", at("15:00:11"))},
                              .flows = {datagrams(at("15:00:10"), at("15:00:15"))}})) ==
        Texts{"ntp.example.com 1000 pod"});
}

TEST_CASE("datagrams without a name get the one their pod is told", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  CHECK(node.tell({.flows = {datagrams(at("12:00:01"), at("12:00:02"))}}).naming ==
        Naming::RawAddress);
  CHECK(node.tell({.answers = {told("time.example.com", at("12:00:11"))},
                   .flows = {datagrams(at("12:00:10"), at("12:00:15"))}})
            .naming == Naming::Named);
}
