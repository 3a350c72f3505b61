// After a restart the index knows what was kept; and what is over it forgets.
#include "tests/unit/names/node.h"

using namespace outflow;
using namespace outflow::names;

namespace {

const BootId kBoot = {7};

KeptFlow kept_flow(TimePoint last) {
  KeptFlow kept;
  kept.node = "k8s-w1";
  kept.interface_name = "cali00000000005";
  kept.key = dialled(last).key;
  kept.key.interface_id = 0;
  kept.stats = dialled(last).stats;
  return kept;
}

// The node as it goes on at noon, after six hours of watching.
Node going_on(Index& index, nanoseconds covered = 6h, const std::string& loss = "") {
  index.restore(Watch::Before{"k8s-w1", kBoot, 100, at("12:00:00"), covered, loss});
  Node node(index);  // its report is one of long ago
  node.report().sequence = 100;
  node.report().interval.end = at("12:00:00");
  return node;
}

}  // namespace

TEST_CASE("an answer that was kept names after a restart", "[names]") {
  Index index;
  index.restore(KeptAnswer{"k8s-w1", kBoot, told("db.example.com", at("11:59:59")), true});
  Node node = going_on(index);

  CHECK(candidates(node.tell({.flows = {dialled(at("12:00:02"))}})) ==
        Texts{"db.example.com 1000 pod"});
}

TEST_CASE("a report that was kept before a restart adds nothing after it", "[names]") {
  Index index;
  Node node = going_on(index);

  CHECK(index.counts().flows.empty());
  CHECK(node.tell({.flows = {dialled(at("12:00:02"))}}).naming == Naming::RawAddress);
}

TEST_CASE("a long connection keeps its name over a restart", "[names]") {
  Index index;
  KeptFlow kept = kept_flow(at("11:59:59"));
  kept.naming = {.naming = Naming::Ambiguous,
                 .candidates = {{"db.example.com", 600, Basis::Pod, false},
                                {"web.example.com", 400, Basis::Pod, false}},
                 .target = "edge.example.net",
                 .said = {},
                 .reason = ""};
  index.restore(kept);
  Node node = going_on(index);

  CHECK(node.tell({.flows = {went_on(at("12:00:00"), at("12:00:05"))}}) == kept.naming);
}

TEST_CASE("of what a tuple was known by the latest is kept", "[names]") {
  Index index;
  for (const char* time : {"11:00:00", "11:59:00", "10:00:00"}) {
    KeptFlow kept = kept_flow(at(time));
    kept.naming.naming = Naming::Named;
    kept.naming.candidates = {{std::string(time) + ".example.com", 1000, Basis::Pod, false}};
    index.restore(kept);
  }
  Node node = going_on(index);

  CHECK(candidates(node.tell({.flows = {went_on(at("12:00:00"), at("12:00:05"))}})) ==
        Texts{"11:59:00.example.com 1000 pod"});
}

TEST_CASE("a resolver nobody can read is known after a restart", "[names]") {
  Index index;
  KeptFlow kept = kept_flow(at("11:00:00"));
  kept.key.destination_port = 853;
  index.restore(kept);
  Node node = going_on(index);

  CHECK(node.tell({.flows = {dialled(at("12:00:02"))}}).naming == Naming::OpaqueResolver);
}

TEST_CASE("what was not watched or lost shortly before a restart is doubted after it", "[names]") {
  {
    Index index;
    Node node = going_on(index, 20min);
    CHECK(node.tell({.flows = {dialled(at("12:00:02"))}}).reason ==
          "the pod was watched for less than an hour before");
  }
  Index index;
  Node node = going_on(index, 6h, "dns_cut");
  CHECK(node.tell({.flows = {dialled(at("12:00:02"))}}).reason == "loss: dns_cut");
}

TEST_CASE("a batch that was missed while nobody was there is a gap", "[names]") {
  Index index;
  Node node = going_on(index);
  node.report().sequence = 101;

  CHECK(node.tell({.flows = {dialled(at("12:00:02"))}}).reason == "loss: sequence_gap");
}

TEST_CASE("what ended is forgotten with its texts, what holds stays", "[names]") {
  Index index;
  Node node(index);
  node.tell(at("12:00:00"), {.answers = {told("db.example.com", at("11:59:59"))},
                             .flows = {dialled(at("12:00:00"))},
                             .said = {said("db.example.com", at("12:00:00"))}});
  CHECK(index.counts().names == 2);  // and ""

  index.sweep(at("13:12:00"));
  CHECK(index.counts().intervals == 1);  // the node stopped at noon
  node.rest(at("13:12:00"));
  index.sweep(at("13:12:00"));
  CHECK(index.counts().intervals == 0);
  CHECK(index.counts().tuples == 1);
  CHECK(index.counts().names == 2);  // the tuple's
  CHECK(candidates(
            node.tell(at("13:12:10"), {.flows = {went_on(at("13:12:00"), at("13:12:05"))}})[0]) ==
        Texts{"db.example.com 1000 pod said"});
  index.sweep(at("13:13:00") + 24h);
  CHECK(index.counts().tuples == 0);
  CHECK(index.counts().names == 1);
}

TEST_CASE("a node that is gone for good is forgotten, too", "[names]") {
  Index index;
  Node node(index);
  node.tell(at("12:00:00"), {.answers = {told("db.example.com", at("11:59:59"))}});

  index.sweep(at("13:10:00") + 24h);
  CHECK(index.counts().intervals == 1);
  index.sweep(at("13:12:00") + 24h);
  CHECK(index.counts().intervals == 0);
}

TEST_CASE("numbers that were freed are given to others without mixing them up", "[names]") {
  Index index;
  Node node(index);
  node.tell(at("12:00:00"), {.answers = {told("old.example.com", at("11:59:59"))}});
  node.rest(at("14:00:00"));
  index.sweep(at("14:00:00"));
  node.tell(at("14:00:10"), {.answers = {told("new.example.com", at("14:00:01"))}});

  CHECK(candidates(node.tell({.flows = {dialled(at("14:00:12"))}})) ==
        Texts{"new.example.com 1000 pod"});
}

TEST_CASE("texts of what went for want of room do not pile up", "[names]") {
  Index index({.intervals = 100, .tuples = 100, .said = 100});
  Node node(index);
  constexpr int kTexts = 200'000;
  std::vector<NameAnswer> answers;
  for (int i = 0; i < kTexts; ++i) {
    answers.push_back(told("", at("12:00:00")));
    answers.back().name = std::to_string(i) + ".example.com";
    if (answers.size() < 1000) continue;
    node.rest(node.report().interval.end + 1s);
    node.tell(node.report().interval.end + 1s, {.answers = answers});
    answers.clear();
  }
  CHECK(index.counts().intervals <= 100);
  CHECK(index.counts().names < 70'000);
}
