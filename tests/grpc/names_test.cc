// Names through the whole aggregator: told in a batch, kept, and known after a restart.
#include <httplib.h>

#include "aggregator/inventory/snapshot.h"
#include "aggregator/pipeline.h"
#include "aggregator/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/stub_agent.h"
#include "tests/support/whole_pipeline.h"

using namespace outflow;
using namespace std::chrono_literals;
using outflow::test::sample_report;
using outflow::test::StubAgent;
using outflow::test::TempDir;

namespace {

constexpr const char* kResolver = "203.0.113.53";

// Ten seconds in which the pod was told a name for 192.0.2.10 and dialled it twice, the second time
// at another port; `name` "" when it was told nothing.
Report named_report(std::uint64_t sequence, const std::string& name,
                    const std::string& node = "k8s-w1") {
  Report report = sample_report(sequence, 2, node);
  report.reads_names = true;
  for (Flow& flow : report.flows) {
    flow.stats.first_seen = flow.stats.last_seen = report.interval.start + 5s;
  }
  if (name.empty()) return report;
  NameAnswer answer;
  answer.interface_id = report.interfaces[0].id;
  answer.name = name;
  answer.address = report.flows[0].key.destination;
  answer.resolver = *net::Address::parse(kResolver);
  answer.ttl_s = 30;
  answer.answers = 1;
  answer.first_answered = answer.last_answered = report.interval.start + 4s;
  report.answers = {answer};
  return report;
}

struct Kept {
  std::vector<store::History> flows;
  std::vector<store::NameRecord> names;
};

Kept on_disk(const AggregatorConfig& config) {
  const auto store = store::Store::open(config.data_dir, config.retention);
  REQUIRE(store);
  const Day first = day_of(*parse_time("2020-01-01"));
  const Day last = day_of(*parse_time("2030-01-01"));
  Kept kept;
  REQUIRE((*store)->scan(std::nullopt, first, last, [&](const store::History& history) {
    kept.flows.push_back(history);
    return true;
  }));
  REQUIRE((*store)->scan_names(std::nullopt, first, last, [&](const store::NameRecord& name) {
    kept.names.push_back(name);
    return true;
  }));
  return kept;
}

AggregatorConfig trusting(const TempDir& dir) {
  AggregatorConfig config = test::config_in(dir);
  config.trusted_resolvers = {*net::Prefix::parse("203.0.113.0/24")};
  config.http_listen = "127.0.0.1:0";
  return config;
}

}  // namespace

TEST_CASE("what a pod was told names its flows, once, and is kept beside them", "[names]") {
  const TempDir dir;
  const AggregatorConfig config = trusting(dir);
  {
    const auto pipeline = test::started(config);
    StubAgent agent(test::target_of(*pipeline));
    REQUIRE(agent.send(named_report(1, "db.example.com")).ok());
    REQUIRE(agent.send(named_report(1, "db.example.com")).ok());  // its answer was lost
  }
  const Kept kept = on_disk(config);

  // Without an inventory nobody knows who the address is; the name waits.
  REQUIRE(kept.flows.size() == 2);
  for (const store::History& flow : kept.flows) {
    CHECK(flow.stats.packets == 1);
    CHECK(flow.naming.naming == attribution::Naming::Named);
  }
  REQUIRE(kept.names.size() == 1);
  CHECK(kept.names[0].answers == 1);
  CHECK(kept.names[0].trusted);
}

TEST_CASE("an aggregator that was restarted knows what pods were told before", "[names]") {
  const TempDir dir;
  const AggregatorConfig config = trusting(dir);
  {
    const auto pipeline = test::started(config);
    StubAgent agent(test::target_of(*pipeline));
    REQUIRE(agent.send(named_report(1, "db.example.com")).ok());
  }
  {
    const auto pipeline = test::started(config);
    StubAgent agent(test::target_of(*pipeline));
    Report later = named_report(2, "");
    later.flows[0].key.destination_port = 8443;
    REQUIRE(agent.send(later).ok());
    // Of another node the address is known less surely.
    REQUIRE(agent.send(named_report(1, "", "k8s-w2")).ok());
  }
  for (const store::History& flow : on_disk(config).flows) {
    REQUIRE(flow.naming.candidates.size() == 1);
    CHECK(flow.naming.candidates[0].name == "db.example.com");
    CHECK(flow.naming.candidates[0].permille == (flow.raw.node == "k8s-w1" ? 1000 : 500));
  }
}

TEST_CASE("the metrics tell how many flows have a name", "[names]") {
  const TempDir dir;
  const auto pipeline = test::started(trusting(dir));
  StubAgent agent(test::target_of(*pipeline));
  REQUIRE(agent.send(named_report(1, "db.example.com")).ok());
  Report raw = named_report(2, "");
  for (Flow& flow : raw.flows) flow.key.destination = *net::Address::parse("192.0.2.99");
  REQUIRE(agent.send(raw).ok());

  httplib::Client http("127.0.0.1", pipeline->http_port());
  const auto shows = [&](const std::string& line) {
    return http.Get("/metrics")->body.find("\n" + line + "\n") != std::string::npos;
  };
  CHECK(test::eventually([&] {
    return shows("outflow_flows_by_naming_total{naming=\"named\"} 2") &&
           shows("outflow_flows_by_naming_total{naming=\"unknown\"} 2") &&
           shows("outflow_name_answers_total{outcome=\"taken\"} 1") &&
           shows("outflow_names{of=\"intervals\"} 1");
  }));
}
