// A connection without a name: dialled raw, or the lookup was not to be seen, or was missed.
#include "tests/unit/names/node.h"

using namespace outflow;
using namespace outflow::names;

namespace {

// The evidence of a connection at 12:00:02 after what happened in the ten seconds before noon.
attribution::NameEvidence after(const Heap& before) {
  Index index;
  Node node(index);
  node.rest(at("11:59:50"));
  node.tell(at("12:00:00"), before);
  return node.tell({.flows = {dialled(at("12:00:02"))}});
}

}  // namespace

TEST_CASE("without a lookup a connection was dialled raw", "[names]") {
  attribution::NameEvidence raw;
  raw.naming = Naming::RawAddress;
  CHECK(after({}) == raw);
}

TEST_CASE("a pod that speaks DNS over TLS or QUIC has a resolver nobody can read", "[names]") {
  for (const Protocol protocol : {Protocol::Tcp, Protocol::Udp}) {
    Flow lookup = dialled(at("11:59:55"), "198.51.100.53", 853);
    lookup.key.protocol = protocol;
    if (protocol == Protocol::Udp) lookup.stats.attempts = 0;
    const auto evidence = after({.flows = {lookup}});
    CHECK(evidence.naming == Naming::OpaqueResolver);
    CHECK(evidence.reason ==
          "its pod asks 198.51.100.53:853/" + to_text(protocol) + ", which nobody can read");
  }
}

TEST_CASE("a pod that was turned away by such a resolver has none", "[names]") {
  Flow lookup = dialled(at("11:59:55"), "198.51.100.53", 853);
  lookup.stats.established = 0;
  lookup.stats.refused = 1;

  CHECK(after({.flows = {lookup}}).naming == Naming::RawAddress);
}

TEST_CASE("a public resolver over HTTPS is known by its address and by its name", "[names]") {
  CHECK(after({.flows = {dialled(at("11:59:55"), "9.9.9.9", 443)}}).naming ==
        Naming::OpaqueResolver);
  CHECK(after({.flows = {dialled(at("11:59:55"), "9.9.9.9", 80)}}).naming == Naming::RawAddress);

  NameAnswer answer = told("dns.google", at("11:59:54"));
  answer.address = address("198.51.100.7");
  const auto evidence =
      after({.answers = {answer}, .flows = {dialled(at("11:59:55"), "198.51.100.7", 443)}});
  CHECK(evidence.naming == Naming::OpaqueResolver);
  CHECK(evidence.reason == "its pod asks dns.google, which nobody can read");
}

TEST_CASE("the connection to such a resolver was dialled raw itself", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  for (int times = 0; times < 2; ++times) {
    CHECK(node.tell({.flows = {dialled(at("12:00:05"), "1.1.1.1", 853)}}).naming ==
          Naming::RawAddress);
  }
}

TEST_CASE("what was dialled before the pod asked such a resolver was dialled raw", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  const auto all = node.tell(
      at("12:00:10"), {.flows = {dialled(at("12:00:02")), dialled(at("12:00:05"), "1.1.1.1", 853),
                                 dialled(at("12:00:06"), "192.0.2.11")}});
  CHECK(all[0].naming == Naming::RawAddress);
  CHECK(all[2].naming == Naming::OpaqueResolver);
}

TEST_CASE("the neighbour's resolver is his own", "[names]") {
  Flow lookup = dialled(at("11:59:55"), "198.51.100.53", 853);
  lookup.key.interface_id = 6;

  CHECK(after({.flows = {lookup}}).naming == Naming::RawAddress);
}

TEST_CASE("an address that was such a resolver for another pod is none for this one", "[names]") {
  NameAnswer answer = told("dns.google", at("11:59:54"));
  answer.address = address("198.51.100.7");
  answer.interface_id = 6;

  CHECK(after({.answers = {answer}, .flows = {dialled(at("11:59:55"), "198.51.100.7", 443)}})
            .naming == Naming::RawAddress);
}

TEST_CASE("a day after it spoke to its resolver a pod has forgotten it", "[names]") {
  Index index;
  Node node(index);
  node.tell(at("12:00:00"), {.flows = {dialled(at("11:59:55"), "198.51.100.53", 853)}});
  node.rest(at("11:59:50") + 24h);
  CHECK(node.tell({.flows = {dialled(at("11:59:54") + 24h)}}).naming == Naming::OpaqueResolver);
  CHECK(node.tell({.flows = {dialled(at("12:00:05") + 24h)}}).naming == Naming::RawAddress);
}

TEST_CASE("a name known in spite of such a resolver is a name", "[names]") {
  CHECK(after({.answers = {told("db.example.com", at("11:59:56"))},
               .flows = {dialled(at("11:59:55"), "198.51.100.53", 853)}})
            .naming == Naming::Named);
}

TEST_CASE("after a loss of answers, or of tuples, a connection is unknown for an hour", "[names]") {
  for (const Heap& heap :
       {Heap{.skipped = {{"dns_ring_full", 1}}}, Heap{.losses = {{"hook_late", 1}}}}) {
    const std::string reason = heap.losses.empty() ? heap.skipped[0].reason : heap.losses[0].reason;
    Index index;
    Node node(index);
    node.rest(at("11:59:50"));
    node.tell(at("12:00:00"), heap);
    CHECK(node.tell({.flows = {dialled(at("12:00:02"))}}).reason == "loss: " + reason);
    node.rest(at("12:59:55"));
    CHECK(node.tell(at("13:00:00"), {.flows = {dialled(at("12:59:59"))}})[0].naming ==
          Naming::Unknown);
    CHECK(node.tell({.flows = {dialled(at("13:00:01"))}}).naming == Naming::RawAddress);
  }
  CHECK(after({.skipped = {{"udp_reply", 9}}}).naming == Naming::RawAddress);
}

TEST_CASE("what a pod said and nobody read hides no lookup", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("11:59:50"));
  node.tell(at("12:00:00"), {.skipped = {{"said_displaced", 5}}});

  CHECK(node.tell({.flows = {dialled(at("12:00:02"))}}).naming == Naming::RawAddress);
}

TEST_CASE("a batch that is missing may have held the lookup", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  ++node.report().sequence;

  const auto evidence = node.tell({.flows = {dialled(at("12:00:02"))}});
  CHECK(evidence.naming == Naming::Unknown);
  CHECK(evidence.reason == "loss: sequence_gap");
}

TEST_CASE("where nobody reads answers nothing is raw", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  node.report().reads_names = false;
  const auto evidence = node.tell({.flows = {dialled(at("12:00:02"))}});
  CHECK(evidence.naming == Naming::Unknown);
  CHECK(evidence.reason == "its agent reads no DNS answers");

  node.report().reads_names = true;
  CHECK(node.tell({.flows = {dialled(at("12:00:12"))}}).naming == Naming::Unknown);
}

TEST_CASE("a pod that was there before the agent is unknown for an hour", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("06:59:50"));
  const auto early = node.tell({.flows = {dialled(at("06:59:59"))}});
  CHECK(early.naming == Naming::Unknown);
  CHECK(early.reason == "the pod was watched for less than an hour before");
  CHECK(node.tell({.flows = {dialled(at("07:00:01"))}}).naming == Naming::RawAddress);
}

TEST_CASE("a pod that came after the agent is watched from its beginning", "[names]") {
  Index index;
  Node node(index);
  node.report().interfaces.push_back({8, "cali00000000008", {}});
  Flow flow = dialled(at("06:00:15"));
  flow.key.interface_id = 8;

  CHECK(node.tell({.flows = {flow}}).naming == Naming::RawAddress);
}

TEST_CASE("a new boot of the agent begins to watch anew", "[names]") {
  Index index;
  Node node(index);
  node.rest(at("12:00:00"));
  node.report().boot = {8};
  node.report().sequence = 0;

  CHECK(node.tell({.flows = {dialled(at("12:00:02"))}}).naming == Naming::Unknown);
}

TEST_CASE("what was forgotten for want of room may have been the name", "[names]") {
  Index index({.intervals = 16, .tuples = 100, .said = 100});
  Node node(index);
  node.rest(at("12:00:00"));
  std::vector<NameAnswer> answers;
  for (int i = 0; i < 17; ++i) {
    answers.push_back(told("n.example.com", at("12:00:01") + 1ms * i));
    answers.back().name = "n" + std::to_string(i) + ".example.com";
    answers.back().address = address(("198.51.100." + std::to_string(i)).c_str());
  }
  const auto evidence =
      node.tell({.answers = answers, .flows = {dialled(at("12:00:02"), "198.51.100.0")}});

  CHECK(evidence.naming == Naming::Unknown);
  CHECK(evidence.reason == "names were forgotten for want of room");
  CHECK(index.counts().forgotten == 2);
  CHECK(index.counts().intervals == 15);
}
