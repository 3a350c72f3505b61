#include "aggregator/api/doctor.h"

#include <algorithm>
#include <functional>

#include "common/text.h"
#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::api;
using namespace std::chrono_literals;
using outflow::test::has_text;

namespace {

const TimePoint kNow = *parse_time("2026-05-18T12:00:00Z");

NodeSight healthy_node() {
  NodeSight node;
  node.name = "k8s-w1";
  node.in_inventory = true;
  node.last_report = kNow - 5s;
  node.agent_version = "1.0.0";
  NodeFacts facts;
  facts.kernel = "6.12.9-amd64";
  facts.btf = true;
  facts.hook_mode = "tcx";
  facts.bpf_jit = "on";
  facts.lockdown = "none";
  facts.conntrack = true;
  facts.interfaces_seen = 3;
  facts.interfaces_hooked = 3;
  facts.agent_start = kNow - 24h;
  facts.sent_at = kNow - 5s;
  facts.round_trip = 20ms;
  facts.certificate_expiry = kNow + 24h;
  facts.self_test = "ok";
  node.told = FactBoard::Told{facts, kNow - 5s + 10ms, true};
  return node;
}

DoctorSight healthy() {
  DoctorSight sight;
  sight.now = kNow;
  sight.version = "1.0.0";
  sight.inventory_as_of = kNow - 1min;
  sight.needs_inventory = true;
  sight.certificate_expiry = kNow + 24h * 30;
  sight.store = {"outflow-store/2", 1U << 20U, 10, 1ULL << 33U, 1ULL << 34U};
  sight.nodes = {healthy_node()};
  return sight;
}

v1::DoctorCheck check_of(const DoctorSight& sight, const std::string& name) {
  const auto checks = examine(sight);
  const auto found = std::find_if(checks.begin(), checks.end(),
                                  [&](const auto& check) { return check.check() == name; });
  REQUIRE(found != checks.end());
  return *found;
}

// What one change to a healthy sight does to one check.
std::string state_after(const std::string& name, const std::function<void(DoctorSight&)>& change) {
  DoctorSight sight = healthy();
  change(sight);
  return check_of(sight, name).state();
}

std::string state_of_node(const std::string& name, const std::function<void(NodeSight&)>& change) {
  return state_after(name, [&](DoctorSight& sight) { change(sight.nodes.front()); });
}

std::string state_of_facts(const std::string& name, const std::function<void(NodeFacts&)>& change) {
  return state_of_node(name, [&](NodeSight& node) { change(node.told->facts); });
}

}  // namespace

TEST_CASE("a healthy cluster has only checks that are ok, without advice", "[doctor]") {
  for (const auto& check : examine(healthy())) {
    INFO(check.check() << ": " << check.found());
    CHECK(check.state() == "ok");
    CHECK(check.advice().empty());
    CHECK_FALSE(check.found().empty());
    CHECK_FALSE(check.expected().empty());
  }
}

TEST_CASE("every check that is not ok says what to do", "[doctor]") {
  DoctorSight sight;
  sight.now = kNow;
  sight.nodes = {NodeSight{}, healthy_node()};
  sight.nodes[0].name = "never-seen";
  sight.nodes[0].in_inventory = true;
  NodeFacts& facts = sight.nodes[1].told->facts;
  facts = NodeFacts();
  facts.self_test = "failed";
  sight.nodes[1].late = true;

  for (const auto& check : examine(sight)) {
    INFO(check.check());
    CHECK((check.state() == "ok") == check.advice().empty());
  }
}

TEST_CASE("names are warned of where nobody reads them or some were lost", "[doctor]") {
  const auto state = [](const std::function<void(NodeSight&)>& change) {
    return state_of_node("names", change);
  };
  DoctorSight lossy = healthy();
  lossy.nodes.front().name_losses = {{"dns_ring_full", 3}};

  CHECK(state([](NodeSight&) {}) == "ok");
  CHECK(state([](NodeSight& node) { node.told->reads_names = false; }) == "warn");
  CHECK(check_of(lossy, "names").state() == "warn");
  CHECK_THAT(check_of(lossy, "names").found(), has_text("dns_ring_full 3"));
}

TEST_CASE("a slow network is not taken for a wrong clock", "[doctor]") {
  FactBoard::Told told = *healthy_node().told;
  told.facts.sent_at = kNow;
  told.facts.round_trip = 3s;

  told.received = kNow + 2900ms;
  CHECK(skew_of(told) == 0s);
  told.received = kNow + 3s + 40s;
  CHECK(skew_of(told) == 40s);
  told.received = kNow - 7s;
  CHECK(skew_of(told) == -7s);
}

TEST_CASE("a clock is warned of beyond 2 s and fails beyond 30 s, either way", "[doctor]") {
  const auto state = [](nanoseconds behind) {
    return state_of_node("clock", [&](NodeSight& node) {
      node.told->received = node.told->facts.sent_at + node.told->facts.round_trip + behind;
    });
  };
  CHECK(state(2s) == "ok");
  CHECK(state(2001ms) == "warn");
  CHECK(state(-3s) == "warn");
  CHECK(state(31s) == "fail");
  CHECK(state(-31s) == "fail");
}

TEST_CASE("how the clock was measured is said", "[doctor]") {
  CHECK_THAT(check_of(healthy(), "clock").found(), has_text("round trip of 20ms"));
}

TEST_CASE("a hook that failed fails, and names its interface and why", "[doctor]") {
  DoctorSight sight = healthy();
  NodeFacts& facts = sight.nodes.front().told->facts;
  facts.interfaces_hooked = 2;
  facts.interfaces_failed = 1;
  facts.failures = {{"cali12", "Operation not permitted"}};

  const auto check = check_of(sight, "hooks");
  CHECK(check.state() == "fail");
  CHECK(check.node() == "k8s-w1");
  CHECK_THAT(check.found(), has_text("2 of 3") && has_text("cali12: Operation not permitted"));
}

TEST_CASE("no interface at all is a warning", "[doctor]") {
  CHECK(state_of_facts("hooks", [](NodeFacts& facts) {
          facts.interfaces_seen = 0;
          facts.interfaces_hooked = 0;
        }) == "warn");
}

TEST_CASE("kernels are compared as numbers, and an unreadable one is not new enough", "[doctor]") {
  const auto state = [](const char* kernel) {
    return state_of_facts("kernel", [kernel](NodeFacts& facts) { facts.kernel = kernel; });
  };
  CHECK(state("5.14.0") == "ok");
  CHECK(state("5.9.1") == "fail");
  CHECK(state("10.0") == "ok");
  CHECK(state("linux") == "fail");
  CHECK(state("") == "unknown");
}

TEST_CASE("clsact is a warning only where the kernel has tcx", "[doctor]") {
  const auto state = [](const char* kernel) {
    return state_of_facts("hook-mode", [kernel](NodeFacts& facts) {
      facts.kernel = kernel;
      facts.hook_mode = "clsact";
    });
  };
  CHECK(state("6.1.0") == "ok");
  CHECK(state("6.6.1") == "warn");
}

TEST_CASE("losses are given by reason with their share, and fail beyond one in a hundred",
          "[doctor]") {
  DoctorSight sight = healthy();
  sight.nodes.front().losses = {{"ring_full", 5}};
  sight.nodes.front().packets = 995;

  CHECK(check_of(sight, "losses").state() == "warn");
  CHECK_THAT(check_of(sight, "losses").found(), has_text("ring_full 5") && has_text("0.500 %"));
  sight.nodes.front().packets = 400;
  CHECK(check_of(sight, "losses").state() == "fail");
}

TEST_CASE("certificates are warned of before they end, agents' an hour, ours a week", "[doctor]") {
  const auto ours = [](nanoseconds left) {
    return state_after("certificate",
                       [left](DoctorSight& sight) { sight.certificate_expiry = kNow + left; });
  };
  CHECK(ours(24h * 6) == "warn");
  CHECK(ours(0s) == "fail");
  const auto agents = [](nanoseconds left) {
    return state_of_facts("agent-certificate",
                          [left](NodeFacts& facts) { facts.certificate_expiry = kNow + left; });
  };
  CHECK(agents(2h) == "ok");
  CHECK(agents(59min) == "warn");
  CHECK(agents(-1s) == "fail");
}

TEST_CASE("a node that stopped reporting fails unless it left the inventory", "[doctor]") {
  CHECK(state_of_node("reports", [](NodeSight& node) { node.late = true; }) == "fail");
  CHECK(state_of_node("reports", [](NodeSight& node) {
          node.late = true;
          node.in_inventory = false;
        }) == "warn");
}

TEST_CASE("a node without an agent is named and only a warning; none at all fails", "[doctor]") {
  DoctorSight sight = healthy();
  NodeSight without_agent;
  without_agent.name = "k8s-w2";
  without_agent.in_inventory = true;
  sight.nodes.push_back(without_agent);

  CHECK(check_of(sight, "agents").state() == "warn");
  CHECK_THAT(check_of(sight, "agents").found(), has_text("1 of 2") && has_text("k8s-w2"));
  sight.nodes.erase(sight.nodes.begin());
  CHECK(check_of(sight, "agents").state() == "fail");
}

TEST_CASE("an inventory that was promised and never read fails; an old one is a warning",
          "[doctor]") {
  CHECK(state_after("inventory", [](DoctorSight& sight) { sight.inventory_as_of = {}; }) == "fail");
  CHECK(state_after("inventory", [](DoctorSight& sight) {
          sight.inventory_as_of = {};
          sight.needs_inventory = false;
        }) == "warn");
  CHECK(state_after("inventory", [](DoctorSight& sight) { sight.inventory_as_of = kNow - 25h; }) ==
        "warn");
  CHECK(state_after("inventory", [](DoctorSight& sight) { sight.inventory_error = "bad"; }) ==
        "warn");
}

TEST_CASE("little room for the store is a warning, hardly any fails", "[doctor]") {
  CHECK(state_after("store", [](DoctorSight& sight) { sight.store.disk_free = 1U << 30U; }) ==
        "warn");
  CHECK(state_after("store", [](DoctorSight& sight) { sight.store.disk_free = 1U << 20U; }) ==
        "fail");
  CHECK(state_after("store", [](DoctorSight& sight) { sight.store.disk_total = 0; }) == "unknown");
}

TEST_CASE("another version of an agent is a warning", "[doctor]") {
  CHECK(state_of_node("agent-version", [](NodeSight& node) { node.agent_version = "0.9.0"; }) ==
        "warn");
}

TEST_CASE("a self-test that failed gives its words; one not run is unknown", "[doctor]") {
  DoctorSight sight = healthy();
  sight.nodes.front().told->facts.self_test = "failed";
  sight.nodes.front().told->facts.self_test_error = "the kernel refused";
  CHECK(check_of(sight, "self-test").state() == "fail");
  CHECK_THAT(check_of(sight, "self-test").found(), has_text("the kernel refused"));
  CHECK(state_of_facts("self-test", [](NodeFacts& facts) { facts.self_test = ""; }) == "unknown");
}

TEST_CASE("a node that told nothing of itself is unknown, not healthy", "[doctor]") {
  CHECK(state_of_node("facts", [](NodeSight& node) { node.told.reset(); }) == "unknown");
}

TEST_CASE("the board keeps each node's last telling and refuses nodes beyond its room",
          "[doctor]") {
  FactBoard board;
  for (std::size_t n = 0; n <= FactBoard::kNodesMax; ++n) board.put(std::to_string(n), {{}, kNow});
  board.put("0", {{}, kNow + 1s});

  CHECK(board.all().size() == FactBoard::kNodesMax);
  CHECK(board.refused() == 1);
  CHECK(board.all().at("0").received == kNow + 1s);
}

TEST_CASE("each feed has a check with its prefixes, version and age, and a manifest one of its own",
          "[doctor]") {
  DoctorSight sight = healthy();
  sight.feeds = feeds::FeedsState{"/etc/feeds.yaml", "", 1, {}, {}};
  feeds::FeedState aws;
  aws.name = "AWS";
  aws.health = feeds::Health::Good;
  aws.prefixes = 8000;
  aws.versions = 2;
  aws.digest = std::string(64, 'a');
  aws.accepted = kNow - 72h;
  aws.as_of = kNow - 2h;
  aws.every = 24h;
  feeds::FeedState quarantined = aws;
  quarantined.health = feeds::Health::Quarantined;
  quarantined.why = "it shrank";
  feeds::FeedState never;
  never.name = "Never";
  never.health = feeds::Health::Failed;
  never.why = "HTTP 500";
  feeds::FeedState old = aws;
  old.as_of = kNow - 73h;
  sight.feeds->feeds = {aws, quarantined, never, old};

  std::vector<v1::DoctorCheck> checks = examine(sight);
  checks.erase(std::remove_if(checks.begin(), checks.end(),
                              [](const auto& check) { return check.check() != "feeds"; }),
               checks.end());

  REQUIRE(checks.size() == 5);
  CHECK(checks[0].state() == "ok");
  CHECK_THAT(checks[0].found(), has_text("/etc/feeds.yaml: 4 feeds, 1 own classes"));
  CHECK(checks[1].state() == "ok");
  CHECK_THAT(checks[1].found(), has_text("AWS: 8000 prefixes, version aaaaaaaaaaaa of "
                                         "2026-05-15T12:00:00Z, 2 kept, 2h old"));
  CHECK(checks[2].state() == "warn");
  CHECK_THAT(checks[2].found(), has_text("quarantined: it shrank"));
  CHECK(checks[3].state() == "fail");
  CHECK_THAT(checks[3].found(), has_text("Never: nothing yet; not taken: HTTP 500"));
  CHECK(checks[4].state() == "warn");
  for (std::size_t i = 2; i < checks.size(); ++i) CHECK_FALSE(checks[i].advice().empty());
}

TEST_CASE("a manifest of feeds that was not taken is a failure, and says where it is wrong",
          "[doctor]") {
  DoctorSight sight = healthy();
  sight.feeds = feeds::FeedsState{"/etc/feeds.yaml", "/etc/feeds.yaml:7: is no map", 0, {}, {}};

  CHECK(check_of(sight, "feeds").state() == "fail");
  CHECK_THAT(check_of(sight, "feeds").found(), has_text("/etc/feeds.yaml:7: is no map"));
}
