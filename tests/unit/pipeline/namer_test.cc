// What a report's names mean for what is kept of it.
#include "aggregator/namer.h"

#include "aggregator/additions.h"
#include "common/text.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace outflow;
using attribution::Naming;
using attribution::PeerKind;

namespace {

constexpr const char* kOutside = "192.0.2.10";
constexpr const char* kInside = "10.244.3.88";  // mysql-0
constexpr const char* kDns = "10.96.0.10";

net::Address address(const char* text) {
  return *net::Address::parse(text);
}
TimePoint at(const char* clock) {
  return *parse_time(std::string("2026-05-18T") + clock + "Z");
}

class Noon final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return at("12:00:10"); }
};
const Noon kNow;

inventory::Snapshot cluster() {
  inventory::Model model;
  inventory::Pod web;
  web.namespace_name = "web";
  web.name = "web-1";
  web.node = "k8s-w1";
  web.addresses = {address("10.244.3.17")};
  inventory::Pod mysql = web;
  mysql.namespace_name = "db";
  mysql.name = "mysql-0";
  mysql.addresses = {address(kInside)};
  model.pods = {web, mysql};
  inventory::Service dns;
  dns.namespace_name = "kube-system";
  dns.name = "kube-dns";
  dns.cluster_addresses = {address(kDns)};
  model.services = {dns};
  return {std::move(model), at("18:00:00")};
}

NameAnswer told(const char* to = kOutside, const char* by = kDns) {
  NameAnswer answer;
  answer.interface_id = 5;
  answer.name = "db.example.com";
  answer.address = address(to);
  answer.resolver = address(by);
  answer.ttl_s = 30;
  answer.flags = kNameTcp;
  answer.answers = 2;
  answer.first_answered = at("12:00:01");
  answer.last_answered = at("12:00:02");
  return answer;
}

// web-1 was told, and dialled the address a second later.
Report report(const NameAnswer& answer) {
  Report made;
  made.node = "k8s-w1";
  made.boot = {7};
  made.sequence = 1;
  made.interval = {at("12:00:00"), at("12:00:10")};
  made.interfaces = {
      {5, inventory::calico_interface_name("web", "web-1"), {address("10.244.3.17")}}};
  made.reads_names = true;
  made.answers = {answer};
  Flow flow;
  flow.key = {5, answer.address, 443, Protocol::Tcp};
  flow.source = address("10.244.3.17");
  flow.stats = {1, 60, 1, 1, 0, 0, at("12:00:03"), at("12:00:03")};
  made.flows = {flow};
  return made;
}

store::Addition added(Namer& namer, const Report& told_by) {
  const inventory::Snapshot snapshot = cluster();
  store::Addition addition = to_addition(told_by, snapshot);
  namer.add_names(told_by, snapshot, addition);
  return addition;
}

}  // namespace

TEST_CASE("an answer is kept as its pod's, and the flow after it has its name", "[namer]") {
  Namer namer({}, kNow);
  const store::Addition addition = added(namer, report(told()));

  REQUIRE(addition.names.size() == 1);
  const store::NameRecord& name = addition.names[0];
  CHECK(name.namespace_name == "web");
  CHECK(name.pod == "web-1");
  CHECK(name.node == "k8s-w1");
  CHECK(name.interface_name == inventory::calico_interface_name("web", "web-1"));
  CHECK(name.interface_id == 5);
  CHECK(name.boot == BootId{7});
  CHECK(name.name == "db.example.com");
  CHECK(name.address == address(kOutside));
  CHECK(name.answers == 2);
  CHECK(name.day == day_of(at("12:00:00")));
  CHECK(name.trusted);
  CHECK(name.last_trusted == at("12:00:02"));
  REQUIRE(addition.histories.size() == 1);
  const store::History& flow = addition.histories[0];
  CHECK(flow.peer.kind == PeerKind::Name);
  CHECK(flow.peer.name == "db.example.com");
  CHECK(flow.peer.address == address(kOutside));
  CHECK(flow.naming.naming == Naming::Named);
}

TEST_CASE("a resolver outside of the cluster is trusted when we were told so", "[namer]") {
  struct Row {
    const char* resolver;
    const char* told;
    bool trusted;
  };
  const Row rows[] = {{kDns, "", true},
                      {"10.244.3.88", "", false},   // anybody's pod
                      {"169.254.20.10", "", true},  // the node's own cache
                      {"203.0.113.53", "", false},
                      {"203.0.113.53", "203.0.113.0/24", true},
                      {"203.0.113.53", "203.0.113.54/32", false}};
  for (const Row& row : rows) {
    std::vector<net::Prefix> trusted;
    if (*row.told != '\0') trusted.push_back(*net::Prefix::parse(row.told));
    Namer namer(trusted, kNow);
    const store::Addition addition = added(namer, report(told(kOutside, row.resolver)));

    REQUIRE(addition.names.size() == 1);
    CHECK(addition.names[0].trusted == row.trusted);
    CHECK((addition.names[0].last_trusted == TimePoint()) != row.trusted);
    CHECK(addition.histories[0].peer.kind == PeerKind::Name);
  }
}

TEST_CASE("a name of somebody of the cluster tells nothing", "[namer]") {
  Namer namer({}, kNow);
  const store::Addition addition = added(namer, report(told(kInside)));

  CHECK(addition.names.empty());
  CHECK(namer.counts().intervals == 0);
  CHECK(namer.cluster_answers() == 1);
  CHECK(addition.histories[0].peer.kind == PeerKind::Workload);
  CHECK(addition.histories[0].naming == attribution::NameEvidence());
}

TEST_CASE("an address that says no is no address", "[namer]") {
  Namer namer({}, kNow);
  for (const char* no : {"0.0.0.0", "127.0.0.1", "::", "::1"}) {
    CHECK(added(namer, report(told(no))).names.empty());
  }
}

TEST_CASE("what comes from more than a day ahead names nothing", "[namer]") {
  Namer namer({}, kNow);
  Report ahead = report(told());
  const auto move = std::chrono::hours(24);
  ahead.interval.end = at("12:00:10") + move;
  CHECK(added(namer, ahead).names.size() == 1);

  ++ahead.sequence;
  ahead.interval.end += std::chrono::milliseconds(1);
  const store::Addition addition = added(namer, ahead);
  CHECK(addition.names.empty());
  CHECK(addition.histories[0].peer.kind == PeerKind::External);
  CHECK(namer.answers_ahead() == 1);
  CHECK(namer.counts().intervals == 1);
}

TEST_CASE("who has no name stays who he was, and the record says why", "[namer]") {
  Namer namer({}, kNow);
  Report unread = report(told());
  unread.answers.clear();
  unread.reads_names = false;
  const store::Addition addition = added(namer, unread);

  CHECK(addition.histories[0].peer.kind == PeerKind::External);
  CHECK(addition.histories[0].naming.naming == Naming::Unknown);
  CHECK(addition.histories[0].naming.reason == "its agent reads no DNS answers");
}

TEST_CASE("a namer that starts again names from what was kept", "[namer]") {
  const test::TempDir dir;
  const auto store = *store::Store::open(dir / "s", std::chrono::days(400));
  Report first = report(told());
  {
    Namer namer({}, kNow);
    first.interval.start = at("10:00:00");
    REQUIRE(store->add(added(namer, first)));
  }
  Namer namer({}, kNow);
  REQUIRE(namer.restore(*store));
  Report next = report(told());
  next.sequence = 2;
  next.interval = {at("12:00:10"), at("12:00:20")};
  next.answers.clear();
  next.flows[0].stats.first_seen = next.flows[0].stats.last_seen = at("12:00:15");
  Flow old = next.flows[0];
  old.stats.attempts = 0;
  Flow raw = next.flows[0];
  raw.key.destination = address("192.0.2.99");
  next.flows.push_back(raw);
  next.flows.push_back(old);
  next.flows.back().key.destination_port = 443;
  const store::Addition addition = added(namer, next);

  CHECK(addition.histories[0].peer.name == "db.example.com");
  CHECK(addition.histories[1].naming.naming == Naming::RawAddress);
  CHECK(addition.histories[2].peer.name == "db.example.com");
}

TEST_CASE("a stranger who turns out to be outside gets the name that waited", "[namer]") {
  store::History history =
      added(*std::make_unique<Namer>(std::vector<net::Prefix>(), kNow), report(told()))
          .histories[0];
  history.peer = {};
  history.peer.address = address(kOutside);
  history.peer.reason = inventory::kNotKnownThen;
  name_peer(history);
  CHECK(history.peer.kind == PeerKind::Unknown);
  CHECK(history.naming.naming == Naming::Named);

  REQUIRE(judge_again(history, cluster()));
  CHECK(history.peer.kind == PeerKind::Name);
  CHECK(history.peer.name == "db.example.com");
  CHECK_FALSE(judge_again(history, cluster()));
}

TEST_CASE("a stranger who turns out to be of the cluster has no name any more", "[namer]") {
  store::History history =
      added(*std::make_unique<Namer>(std::vector<net::Prefix>(), kNow), report(told()))
          .histories[0];
  history.peer = {};
  history.peer.address = history.raw.destination = address(kInside);
  history.peer.reason = inventory::kNotKnownThen;

  REQUIRE(judge_again(history, cluster()));
  CHECK(history.peer.kind == PeerKind::Workload);
  CHECK(history.naming == attribution::NameEvidence());
}
