// Which name a connection had: what its pod was told before, as of then.
#include "tests/unit/names/node.h"

using namespace outflow;
using namespace outflow::names;

TEST_CASE("a connection has the name its pod was told for the address", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  NameAnswer answer = told("db.example.com", at("12:00:01"));
  answer.target = "edge.example.net";
  const auto evidence = node.tell({.answers = {answer}, .flows = {dialled(at("12:00:02"))}});

  CHECK(evidence.naming == Naming::Named);
  CHECK(candidates(evidence) == Texts{"db.example.com 1000 pod"});
  CHECK(evidence.target == "edge.example.net");
  CHECK(evidence.reason.empty());
}

TEST_CASE("an attempt that failed has a name as well", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  Flow refused = dialled(at("12:00:02"));
  refused.stats.established = 0;
  refused.stats.refused = 1;

  CHECK(
      node.tell({.answers = {told("db.example.com", at("12:00:01"))}, .flows = {refused}}).naming ==
      Naming::Named);
}

TEST_CASE("an answer after the connection does not name it", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  const TimePoint opened = at("12:00:02");
  CHECK(node.tell({.answers = {told("db.example.com", opened + 21ms)}, .flows = {dialled(opened)}})
            .naming == Naming::RawAddress);

  // Two clocks of one machine may differ by two jiffies.
  CHECK(node.tell({.answers = {told("db.example.com", at("12:00:12.02"))},
                   .flows = {dialled(at("12:00:12"))}})
            .naming == Naming::Named);
}

TEST_CASE("an answer names until its TTL and a grace of ten minutes are over", "[names]") {
  struct Row {
    std::uint32_t ttl_s;
    nanoseconds after;
    Naming naming;
  };
  const Row rows[] = {{30, 11min, Naming::Named},  // a TTL counts at least a minute
                      {30, 11min + 1s, Naming::RawAddress},
                      {300, 15min, Naming::Named},
                      {300, 15min + 1s, Naming::RawAddress}};
  for (const Row& row : rows) {
    Index index;
    Node node(index);
    node.tell(at("12:00:00"), {.answers = {told("db.example.com", at("11:59:59"), row.ttl_s)}});
    const TimePoint opened = at("11:59:59") + row.after;
    node.rest(opened - 1s);

    CHECK(node.tell({.flows = {dialled(opened)}}).naming == row.naming);
  }
}

TEST_CASE("an address that got another name has the one of its time", "[names]") {
  Index index;
  Node node(index);
  node.tell(at("12:00:10"), {.answers = {told("old.example.com", at("12:00:01"))}});
  node.rest(at("12:30:00"));
  const auto evidence = node.tell(
      {.answers = {told("new.example.com", at("12:30:01"))}, .flows = {dialled(at("12:30:02"))}});

  CHECK(candidates(evidence) == Texts{"new.example.com 1000 pod"});
}

TEST_CASE("two names told at once for one address are ambiguous", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  const auto evidence = node.tell(
      {.answers = {told("b.example.com", at("12:00:01")), told("a.example.com", at("12:00:01"))},
       .flows = {dialled(at("12:00:02"))}});

  CHECK(evidence.naming == Naming::Ambiguous);
  CHECK(candidates(evidence) == Texts{"a.example.com 500 pod", "b.example.com 500 pod"});
}

TEST_CASE("of several names the one told last is the likeliest", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  // exp(-30/30) to 1.
  const auto close = node.tell(at("12:00:40"), {.answers = {told("a.example.com", at("12:00:01")),
                                                            told("b.example.com", at("12:00:31"))},
                                                .flows = {dialled(at("12:00:32"))}});
  CHECK(close[0].naming == Naming::Ambiguous);
  CHECK(candidates(close[0]) == Texts{"b.example.com 731 pod", "a.example.com 269 pod"});

  // After 70 s the older one has 0.088, which is less than 0.1 and more than 0.05.
  const auto apart = node.tell(at("12:01:50"), {.answers = {told("b.example.com", at("12:01:11"))},
                                                .flows = {dialled(at("12:01:12"))}});
  CHECK(apart[0].naming == Naming::Named);
  CHECK(candidates(apart[0]) == Texts{"b.example.com 912 pod", "a.example.com 88 pod"});

  const auto far = node.tell(
      {.answers = {told("b.example.com", at("12:01:51"))}, .flows = {dialled(at("12:01:52"))}});
  CHECK(candidates(far) == Texts{"b.example.com 975 pod"});
}

TEST_CASE("what the pod said decides, if it was told that name", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  const std::vector<NameAnswer> answers = {told("a.example.com", at("12:00:01")),
                                           told("b.example.com", at("12:00:01"))};
  const auto evidence = node.tell({.answers = answers,
                                   .flows = {dialled(at("12:00:02"))},
                                   .said = {said("b.example.com", at("12:00:02"))}});
  CHECK(evidence.naming == Naming::Named);
  CHECK(candidates(evidence) == Texts{"b.example.com 1000 pod said"});
  REQUIRE(evidence.said.size() == 1);
  CHECK(evidence.said[0].count == 1);

  const auto other = node.tell(
      {.answers = {told("a.example.com", at("12:00:11")), told("b.example.com", at("12:00:11"))},
       .flows = {dialled(at("12:00:12"))},
       .said = {said("liar.example.com", at("12:00:12"))}});
  CHECK(other.naming == Naming::Ambiguous);
  CHECK(other.candidates.size() == 2);
  REQUIRE(other.said.size() == 1);
  CHECK(other.said[0].name == "liar.example.com");
}

TEST_CASE("the outer name of an encrypted hello decides nothing", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  const auto evidence = node.tell(
      {.answers = {told("a.example.com", at("12:00:01")), told("b.example.com", at("12:00:01"))},
       .flows = {dialled(at("12:00:02"))},
       .said = {said("b.example.com", at("12:00:02"), kSaidEch)}});

  CHECK(evidence.naming == Naming::Ambiguous);
  REQUIRE(evidence.said.size() == 1);
  CHECK(evidence.said[0].flags == kSaidEch);
}

TEST_CASE("what was said at the border of two reports counts once", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  const auto first = node.tell(at("12:00:10"), {.answers = {told("a.example.com", at("12:00:09"))},
                                                .flows = {dialled(at("12:00:10"))},
                                                .said = {said("a.example.com", at("12:00:10"))}});
  const auto again = node.tell_again();
  Flow longer = dialled(at("12:00:10"));
  longer.stats.attempts = 0;
  longer.stats.last_seen = at("12:00:19");
  const auto second = node.tell(at("12:00:20"), {.flows = {longer}});

  REQUIRE(first.at(0).said.size() == 1);
  CHECK(first.at(0).said[0].count == 1);
  CHECK(again.at(0).said == first.at(0).said);
  CHECK(second.at(0).said.empty());
}

TEST_CASE("what was said to another port, or another time, tells nothing", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  SaidName elsewhere = said("b.example.com", at("12:00:02"));
  elsewhere.destination_port = 8443;
  const auto evidence = node.tell(
      {.answers = {told("a.example.com", at("12:00:01")), told("b.example.com", at("12:00:01"))},
       .flows = {dialled(at("12:00:02"))},
       .said = {elsewhere, said("b.example.com", at("12:00:09"))}});

  CHECK(evidence.naming == Naming::Ambiguous);
  CHECK(evidence.said.empty());
}

TEST_CASE(
    "where a lookup may have been missed another pod's counts less, of another node still less",
    "[names]") {
  Index index;
  Node node(index);
  Node other(index, "k8s-w2");
  node.rest(at("12:00:00"));
  node.tell(at("12:00:00"), {.skipped = {{"dns_ring_full", 1}}});
  other.tell(at("12:00:10"), {.answers = {told("far.example.com", at("12:00:01"))}});
  auto evidence = node.tell({.flows = {dialled(at("12:00:02"))}});
  CHECK(evidence.naming == Naming::Named);
  CHECK(candidates(evidence) == Texts{"far.example.com 500 cluster"});

  NameAnswer beside = told("near.example.com", at("12:00:11"));
  beside.interface_id = 6;
  evidence = node.tell({.answers = {beside}, .flows = {dialled(at("12:00:12"))}});
  CHECK(evidence.naming == Naming::Named);
  CHECK(candidates(evidence) == Texts{"near.example.com 800 node"});

  evidence = node.tell(
      {.answers = {told("own.example.com", at("12:00:21"))}, .flows = {dialled(at("12:00:22"))}});
  CHECK(candidates(evidence) == Texts{"own.example.com 1000 pod"});
}

TEST_CASE("what others were told is shown and names nothing where every lookup was seen",
          "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  NameAnswer beside = told("near.example.com", at("12:00:01"));
  beside.interface_id = 6;

  const auto evidence = node.tell({.answers = {beside}, .flows = {dialled(at("12:00:02"))}});
  const auto spoken = node.tell(
      {.flows = {dialled(at("12:00:12"))}, .said = {said("near.example.com", at("12:00:12"))}});

  CHECK(evidence.naming == Naming::RawAddress);
  CHECK(candidates(evidence) == Texts{"near.example.com 800 node"});
  CHECK(spoken.naming == Naming::Named);
}

TEST_CASE("who asks a resolver of his own names his own connections only", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  node.trusted = false;
  NameAnswer forged = told("bank.example.com", at("12:00:01"));
  forged.interface_id = 6;
  Flow his = dialled(at("12:00:02"));
  his.key.interface_id = 6;
  const auto all =
      node.tell(at("12:00:10"), {.answers = {forged}, .flows = {dialled(at("12:00:02")), his}});

  CHECK(all[0].naming == Naming::RawAddress);
  CHECK(all[1].naming == Naming::Named);
}

TEST_CASE("a new pod on an old interface's name was told nothing", "[names]") {
  Index index;
  Node node(index);
  node.tell(at("12:00:10"), {.answers = {told("db.example.com", at("12:00:01"))}});
  node.report().interfaces[0].id = 8;
  node.trusted = false;
  Flow flow = dialled(at("12:00:12"));
  flow.key.interface_id = 8;

  CHECK(candidates(node.tell({.flows = {flow}})) == Texts{"db.example.com 800 node"});
}

TEST_CASE("a report that comes again is named the same way and adds nothing", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  const auto first = node.tell(at("12:00:10"), {.answers = {told("db.example.com", at("12:00:01"))},
                                                .flows = {dialled(at("12:00:02"))},
                                                .said = {said("db.example.com", at("12:00:02"))}});
  const Counts before = index.counts();

  CHECK(node.tell_again() == first);
  CHECK(index.counts().answers == before.answers);
  CHECK(index.counts().intervals == 1);
  CHECK(index.counts().flows == before.flows);
  REQUIRE(first[0].said.size() == 1);
  CHECK(first[0].said[0].count == 1);
}

TEST_CASE("nobody looks for the name of who is in the cluster", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  Report& report = node.report();
  ++report.sequence;
  report.interval = {at("12:00:00"), at("12:00:10")};
  report.flows = {dialled(at("12:00:02"))};

  CHECK(index.add(report, {}, {false})[0] == attribution::NameEvidence());
}
