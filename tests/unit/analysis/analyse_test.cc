#include "aggregator/analysis/analyse.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using analysis::Fanout;
using analysis::Proof;
using attribution::PeerKind;

namespace {

store::History apart(store::History history, std::uint32_t flag) {
  history.raw.apart = flag;
  return history;
}

}  // namespace

TEST_CASE("two pods, two days and two ports make needs by port, with all their evidence",
          "[analyse]") {
  store::History second =
      on_day(record(workload("dbaas", "mysql", "10.244.9.9"), 3306), "2026-05-19");
  second.source.pod = "api-2";
  const auto found = finding({record(workload("dbaas", "mysql"), 3306), second,
                              record(workload("dbaas", "mysql"), 33060)});

  REQUIRE(found.needs.size() == 2);
  const analysis::Need& need = found.needs[0];
  CHECK(need.port == 3306);
  CHECK(need.stats.packets == 20);
  CHECK(need.days == std::set<Day>{day("2026-05-18"), day("2026-05-19")});
  CHECK(need.addresses == std::set<net::Address>{ip("10.244.1.7"), ip("10.244.9.9")});
  CHECK(need.pods == std::set<std::string>{"api-1", "api-2"});
  CHECK(need.workloads == std::set<std::string>{"Deployment/api"});
  CHECK(need.peer.address == ip("10.244.9.9"));
  CHECK(found.records == 3);
}

TEST_CASE("the order of records changes nothing", "[analyse]") {
  std::vector<store::History> records{record(workload("dbaas", "mysql", "10.244.9.9"), 3306),
                                      record(workload("dbaas", "mysql"), 3306),
                                      record(outside("192.0.2.1")),
                                      on_day(record(service("shop", "cart"), 80), "2026-05-19")};
  const auto forward = finding(records);
  std::reverse(records.begin(), records.end());
  const auto backward = finding(records);

  REQUIRE(forward.needs.size() == backward.needs.size());
  for (std::size_t i = 0; i < forward.needs.size(); ++i) {
    CHECK(forward.needs[i].peer == backward.needs[i].peer);
    CHECK(forward.needs[i].stats == backward.needs[i].stats);
  }
}

TEST_CASE("a peer namespace counts once however many pods, addresses and ports it has",
          "[fanout]") {
  const auto found = finding({record(workload("dbaas", "mysql"), 3306),
                              record(workload("dbaas", "mysql", "10.244.9.9"), 3306),
                              record(workload("dbaas", "postgres", "10.244.9.10"), 5432),
                              record(workload("redis", "redis", "10.244.9.11"), 6379)});

  CHECK(found.fanout == Fanout{.pod_namespaces = 2});
}

TEST_CASE("services, externals and the rest are counted without their ports", "[fanout]") {
  auto endpoint = service("kube-system", "kube-dns", "10.96.0.10");
  endpoint.reason = "load-balancer";
  endpoint.address = ip("198.51.100.7");
  const auto found = finding(
      {record(service("kube-system", "kube-dns"), 53, Protocol::Udp),
       record(service("kube-system", "kube-dns"), 53, Protocol::Tcp),
       record(endpoint, 53, Protocol::Udp), record(service("shop", "cart"), 80),
       record(outside("192.0.2.1"), 443), record(outside("192.0.2.1"), 80),
       record(outside("2001:db8::1"), 443), record(outside("10.20.0.1", PeerKind::Private), 22),
       record(outside("198.18.0.1", PeerKind::Unknown), 22), record(node("w1", "10.0.0.1"), 9100),
       record(node("w1", "10.0.0.2"), 9100), record(outside("10.96.0.1", PeerKind::ApiServer), 443),
       record(outside("169.254.169.254", PeerKind::Metadata), 80),
       record(outside("224.0.0.251", PeerKind::Multicast), 5353, Protocol::Udp)});

  CHECK(found.fanout ==
        Fanout{.services = 2, .external = 4, .other = 4, .raw_addresses = 4, .name_unknown = 4});
  CHECK(found.fanout.destinations() == 10);
}

TEST_CASE("the own namespace is counted apart from the sum", "[fanout]") {
  const auto found =
      finding({record(workload("web", "cache"), 6379), record(workload("web", "cache"), 6380),
               record(service("web", "api"), 80), record(workload("dbaas", "mysql"), 3306)});

  CHECK(found.fanout == Fanout{.pod_namespaces = 1, .own = 2});
  CHECK(found.fanout.destinations() == 1);
}

TEST_CASE("a peer none of whose needs was ever answered is unanswered", "[fanout]") {
  const auto found = finding({record(outside("192.0.2.1"), 443, Protocol::Tcp, 0),
                              record(outside("192.0.2.2"), 443, Protocol::Tcp, 0),
                              record(outside("192.0.2.2"), 80, Protocol::Tcp, 1),
                              record(workload("web", "gone"), 80, Protocol::Tcp, 0)});

  CHECK(found.fanout ==
        Fanout{.external = 2, .own = 1, .unanswered = 1, .raw_addresses = 2, .name_unknown = 2});
}

TEST_CASE("inferred flows and those of other sources are never judged", "[fanout]") {
  store::History foreign = record(outside("192.0.2.3"));
  foreign.source.own_address = false;
  const auto found = finding({apart(record(outside("192.0.2.1")), kFlowInferred),
                              apart(record(outside("192.0.2.2")), kFlowOtherSource), foreign,
                              record(outside("192.0.2.9")),
                              apart(record(outside("192.0.2.9"), 80), kFlowInferred)});

  CHECK(found.fanout ==
        Fanout{.external = 1, .inferred = 1, .raw_addresses = 1, .name_unknown = 1});
  CHECK(found.needs.size() == 1);
  CHECK(found.apart.size() == 4);
}

TEST_CASE("TCP is proven by a connection alone, however many days it was tried", "[proof]") {
  const auto tried =
      finding({record(outside("192.0.2.1"), 443, Protocol::Tcp, 0),
               on_day(record(outside("192.0.2.1"), 443, Protocol::Tcp, 0), "2026-05-19")});
  const auto stood = finding({record(outside("192.0.2.1"), 443, Protocol::Tcp, 1)});

  CHECK(proof_of(tried.needs[0]) == Proof::Attempted);
  CHECK(proof_of(stood.needs[0]) == Proof::Established);
}

TEST_CASE("UDP without answer is one-way on two days, an attempt on one", "[proof]") {
  const auto silent = record(outside("192.0.2.1"), 514, Protocol::Udp, 0);
  const auto one_day = finding({silent, silent});
  const auto two_days = finding({silent, on_day(silent, "2026-05-19")});
  const auto answered = finding({record(outside("192.0.2.1"), 514, Protocol::Udp, 1)});

  CHECK(proof_of(one_day.needs[0]) == Proof::Attempted);
  CHECK(proof_of(two_days.needs[0]) == Proof::OneWay);
  CHECK(proof_of(answered.needs[0]) == Proof::Established);
}

TEST_CASE("a log line of a denied packet is an attempt on any number of days", "[proof]") {
  for (const Protocol protocol : {Protocol::Tcp, Protocol::Udp}) {
    store::History denied = record(outside("192.0.2.1"), 443, protocol, 0);
    denied.raw.evidence = store::Evidence::Log;
    denied.stats.packets = 0;
    denied.stats.attempts = 1;
    const auto found = finding({denied, on_day(denied, "2026-05-19")});

    CHECK(proof_of(found.needs[0]) == Proof::Attempted);
    CHECK(found.needs[0].from_log);
  }
}

TEST_CASE("a log line is an opening without an answer: an attempt, and marked", "[proof]") {
  store::History logged = record(outside("192.0.2.1"), 443, Protocol::Tcp, 0);
  logged.raw.evidence = store::Evidence::Log;
  const auto found = finding({logged});

  CHECK(proof_of(found.needs[0]) == Proof::Attempted);
  CHECK(found.needs[0].from_log);
  CHECK_FALSE(found.needs[0].from_agent);
  CHECK(found.fanout.unanswered == 1);
}
