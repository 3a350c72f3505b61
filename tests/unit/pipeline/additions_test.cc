#include "aggregator/additions.h"

#include "common/text.h"
#include "tests/support/catch.h"

using namespace outflow;
using namespace std::chrono_literals;
using attribution::PeerKind;

namespace {

TimePoint at(const char* text) {
  return *parse_time(text);
}

net::Address address(const char* text) {
  return *net::Address::parse(text);
}

// One pod, web/web-1, at 10.244.3.17.
inventory::Model cluster_model() {
  inventory::Model model;
  model.namespaces = {{.name = "web", .labels = {}}};
  inventory::Pod pod;
  pod.namespace_name = "web";
  pod.name = "web-1";
  pod.phase = "Running";
  pod.addresses = {address("10.244.3.17"), address("fd00::17")};
  pod.workload = {"Deployment", "web"};
  model.pods = {pod};
  return model;
}

inventory::Snapshot cluster() {
  return {cluster_model(), at("2026-05-18T00:00:00Z")};
}

inventory::Snapshot nothing() {
  return {inventory::Model{}, TimePoint()};
}

Flow flow(const char* source, std::uint32_t flags, TimePoint last_seen) {
  Flow made;
  made.key = {5, address("192.0.2.10"), 443, Protocol::Tcp};
  made.source = address(source);
  made.stats.packets = 1;
  made.stats.flags = flags;
  made.stats.first_seen = last_seen - 2s;
  made.stats.last_seen = last_seen;
  return made;
}

Report report(std::vector<Flow> flows) {
  Report made;
  made.node = "k8s-w1";
  made.boot = {9};
  made.sequence = 3;
  made.interval = {at("2026-05-18T23:59:55Z"), at("2026-05-19T00:00:05Z")};
  made.losses = {{"ring_full", 1}};
  made.interfaces = {{.id = 5,
                      .name = inventory::calico_interface_name("web", "web-1"),
                      .addresses = {address("10.244.3.17")}},
                     {.id = 6, .name = "cali00000000000", .addresses = {}}};
  made.flows = std::move(flows);
  return made;
}

}  // namespace

TEST_CASE("a report becomes its mark, its losses and one record a flow", "[additions]") {
  const Report sent = report({flow("10.244.3.17", kFlowVlan, at("2026-05-18T23:59:57Z"))});
  const store::Addition addition = to_addition(sent, cluster());

  CHECK(addition.mark.node == "k8s-w1");
  CHECK(addition.mark.boot == sent.boot);
  CHECK(addition.mark.sequence == 3);
  CHECK(addition.mark.last_end == sent.interval.end);
  CHECK(addition.mark.interfaces == 2);
  CHECK(addition.mark.agent_version == OUTFLOW_VERSION);
  CHECK(addition.losses == sent.losses);
  REQUIRE(addition.histories.size() == 1);
  const store::History& history = addition.histories[0];
  CHECK(history.source.namespace_name == "web");
  CHECK(history.source.workload.name == "web");
  CHECK(history.raw.interface_name == sent.interfaces[0].name);
  CHECK(history.raw.apart == 0);
  CHECK(history.stats == sent.flows[0].stats);
}

TEST_CASE("a flow over midnight belongs to the day it was last seen", "[additions]") {
  const auto addition =
      to_addition(report({flow("10.244.3.17", 0, at("2026-05-19T00:00:01Z"))}), cluster());

  CHECK(to_text(addition.histories[0].day) == "2026-05-19");
}

TEST_CASE("a known namespace is present on every day of the interval, flows or not",
          "[additions]") {
  const auto addition = to_addition(report({}), cluster());

  REQUIRE(addition.presences.size() == 2);
  CHECK(addition.presences[0].namespace_name == "web");
  CHECK(to_text(addition.presences[0].day) == "2026-05-18");
  CHECK(to_text(addition.presences[1].day) == "2026-05-19");
}

TEST_CASE("an interval of two centuries is present on its last days only", "[additions]") {
  Report endless = report({});
  endless.interval.start = from_unix_ns(1);

  CHECK(to_addition(endless, cluster()).presences.size() == 401);
}

TEST_CASE("a flow from another address is apart, unless the pod owns that address too",
          "[additions]") {
  const TimePoint time = at("2026-05-18T23:59:57Z");
  const auto addition =
      to_addition(report({flow("fd00::17", kFlowOtherSource, time),
                          flow("203.0.113.9", kFlowOtherSource | kFlowInferred, time)}),
                  cluster());

  CHECK(addition.histories[0].raw.apart == 0);
  CHECK(addition.histories[0].source.own_address);
  CHECK(addition.histories[1].raw.apart == (kFlowOtherSource | kFlowInferred));
  CHECK_FALSE(addition.histories[1].source.own_address);
}

TEST_CASE("an inventory that comes later names what it can and keeps what was known",
          "[additions]") {
  const auto addition = to_addition(
      report({flow("10.244.3.17", kFlowOtherSource, at("2026-05-18T23:59:57Z"))}), nothing());
  store::History history = addition.histories[0];
  CHECK(history.source.namespace_name.empty());
  CHECK(history.raw.apart == kFlowOtherSource);

  CHECK(judge_again(history, cluster()));
  CHECK(history.source.namespace_name == "web");
  CHECK(history.raw.apart == 0);  // the address turned out to be the pod's own
  CHECK_FALSE(judge_again(history, nothing()));
  CHECK(history.source.namespace_name == "web");
}

TEST_CASE("who was outside of the cluster may turn out to be of it, and never the other way",
          "[additions]") {
  inventory::Model model = cluster_model();
  inventory::Service service;
  service.namespace_name = "db";
  service.name = "mysql";
  service.cluster_addresses = {address("10.96.5.5")};
  model.services = {service};
  inventory::Node node;
  node.name = "w1";
  node.addresses = {address("203.0.113.11")};
  model.nodes = {node};
  const inventory::Snapshot known(std::move(model), at("2026-05-18T13:00:00Z"));
  struct Row {
    const char* destination;
    PeerKind before;
    PeerKind after;
  };
  for (const Row& row : {Row{"10.96.5.5", PeerKind::Private, PeerKind::Service},
                         Row{"10.244.3.17", PeerKind::Private, PeerKind::Workload},
                         Row{"203.0.113.11", PeerKind::External, PeerKind::Node},
                         Row{"192.0.2.10", PeerKind::External, PeerKind::External},
                         Row{"169.254.169.254", PeerKind::Metadata, PeerKind::Metadata}}) {
    ingest::LogFlow line;
    line.time = at("2026-05-18T12:00:00Z");
    line.destination = address(row.destination);
    store::History history = to_log_line(line, nothing()).history;
    REQUIRE(history.peer.kind == row.before);

    CHECK(judge_again(history, known) == (row.before != row.after));
    CHECK(history.peer.kind == row.after);
    CHECK_FALSE(judge_again(history, nothing()));
    CHECK(history.peer.kind == row.after);
  }
}

TEST_CASE("a record is given to a pod that lived all the time of it, and to no other",
          "[additions]") {
  const TimePoint seen = at("2026-05-18T12:00:00Z");
  const auto judged = [&](nanoseconds before, TimePoint started) {
    ingest::LogFlow line;
    line.time = seen;
    line.source = address("10.244.3.17");
    line.destination = address("127.0.0.1");
    store::History history = to_log_line(line, nothing()).history;
    history.stats.first_seen = seen - before;
    inventory::Model model = cluster_model();
    model.pods[0].started = started;
    return judge_again(history, {std::move(model), seen});
  };

  CHECK(judged(0s, seen - 1h));
  CHECK_FALSE(judged(0s, seen + 1h));
  // Somebody else had the address when the record began.
  CHECK_FALSE(judged(2h, seen - 1h));
}

TEST_CASE("a log line keeps its digest and is evidence of its own kind", "[additions]") {
  ingest::LogFlow line;
  line.time = at("2026-05-18T12:00:00Z");
  line.node = "k8s-w1";
  line.interface_name = inventory::calico_interface_name("web", "web-1");
  line.source = address("10.244.3.17");
  line.destination = address("192.0.2.10");
  line.port = 443;
  line.protocol = Protocol::Tcp;
  line.digest = {4, 2};

  const auto kept = to_log_line(line, cluster());
  CHECK(kept.digest == line.digest);
  CHECK(kept.history.raw.evidence == store::Evidence::Log);
  CHECK(kept.history.source.namespace_name == "web");
  CHECK(kept.history.stats == ingest::stats_of(line));
  store::History unknown = to_log_line(line, nothing()).history;
  CHECK(judge_again(unknown, cluster()));
  CHECK(unknown.source.namespace_name == "web");
}
