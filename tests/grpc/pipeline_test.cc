// The whole aggregator in this process, and agents that lose its answers.
#include "aggregator/pipeline.h"

#include <httplib.h>

#include <fstream>

#include "aggregator/inventory/snapshot.h"
#include "aggregator/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/stub_agent.h"
#include "tests/support/whole_pipeline.h"

using namespace outflow;
using namespace std::chrono_literals;
using outflow::test::config_in;
using outflow::test::eventually;
using outflow::test::has_text;
using outflow::test::kClock;
using outflow::test::sample_report;
using outflow::test::started;
using outflow::test::status_of;
using outflow::test::StubAgent;
using outflow::test::target_of;
using outflow::test::TempDir;

namespace {

constexpr const char* kInventory = R"({"kind": "List", "items": [
  {"kind": "Namespace", "metadata": {"name": "web"}},
  {"kind": "Pod", "metadata": {"namespace": "web", "name": "web-1"},
   "spec": {"nodeName": "k8s-w1"},
   "status": {"phase": "Running", "podIP": "10.244.3.17", "podIPs": [{"ip": "10.244.3.17"}]}}]})";

struct Sum {
  std::uint64_t records = 0;
  std::uint64_t packets = 0;
  std::uint64_t known = 0;  // records whose source is known
  std::uint64_t gaps = 0;
};

// What is on disk, once the pipeline is gone.
Sum on_disk(const AggregatorConfig& config) {
  const auto store = store::Store::open(config.data_dir, config.retention);
  REQUIRE(store);
  Sum sum;
  const Day first = day_of(*parse_time("2020-01-01"));
  const Day last = day_of(*parse_time("2030-01-01"));
  CHECK((*store)->scan(std::nullopt, first, last, [&](const store::History& history) {
    ++sum.records;
    sum.packets += history.stats.packets;
    sum.known += history.source.namespace_name.empty() ? 0 : 1;
    return true;
  }));
  const auto days = *(*store)->node_days(first, last);
  for (const store::NodeDay& node_day : days) {
    const auto gap = node_day.losses.find("sequence_gap");
    if (gap != node_day.losses.end()) sum.gaps += gap->second;
  }
  return sum;
}

// Sends a batch, which is merged, and goes away without reading the acknowledgement.
void send_and_vanish(const Pipeline& pipeline, const Report& report) {
  StubAgent agent(target_of(pipeline));
  REQUIRE(agent.write(wire::to_batch(report)));
  REQUIRE(eventually([&] { return status_of(pipeline).batches_merged() == 1; }));
}

}  // namespace

TEST_CASE("a batch whose acknowledgement was lost is merged once when it comes again",
          "[pipeline]") {
  const TempDir dir;
  const auto config = config_in(dir);
  auto pipeline = started(config);
  send_and_vanish(*pipeline, sample_report(1, 3));
  StubAgent agent(target_of(*pipeline));

  CHECK(agent.send(sample_report(1, 3)).ok());
  CHECK(agent.send(sample_report(2, 3)).ok());
  CHECK(status_of(*pipeline).batches_repeated() == 1);
  pipeline.reset();
  CHECK(on_disk(config).packets == 6);
  CHECK(on_disk(config).gaps == 0);
}

TEST_CASE("an aggregator that was restarted between write and acknowledgement merges once",
          "[pipeline]") {
  const TempDir dir;
  const auto config = config_in(dir);
  auto pipeline = started(config);
  send_and_vanish(*pipeline, sample_report(1));
  pipeline.reset();
  pipeline = started(config);
  StubAgent agent(target_of(*pipeline));

  CHECK(agent.send(sample_report(1)).ok());
  CHECK(status_of(*pipeline).batches_merged() == 0);
  CHECK(status_of(*pipeline).items(0).sequence() == 1);
  pipeline.reset();
  CHECK(on_disk(config).packets == 1);
}

TEST_CASE("a sequence that jumps is a loss the status shows", "[pipeline]") {
  const TempDir dir;
  const auto pipeline = started(config_in(dir));
  StubAgent agent(target_of(*pipeline));
  REQUIRE(agent.send(sample_report(1)).ok());
  REQUIRE(agent.send(sample_report(4)).ok());

  const auto status = status_of(*pipeline);
  REQUIRE(status.items_size() == 1);
  REQUIRE(status.items(0).losses_size() == 1);
  CHECK(status.items(0).losses(0).reason() == "sequence_gap");
  CHECK(status.items(0).losses(0).count() == 2);
}

TEST_CASE("nodes do not disturb each other", "[pipeline]") {
  const TempDir dir;
  const auto config = config_in(dir);
  auto pipeline = started(config);
  StubAgent one(target_of(*pipeline));
  StubAgent two(target_of(*pipeline));
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    REQUIRE(one.send(sample_report(sequence, 1, "k8s-w1")).ok());
    REQUIRE(two.send(sample_report(sequence, 2, "k8s-w2")).ok());
  }

  CHECK(status_of(*pipeline).items_size() == 2);
  pipeline.reset();
  CHECK(on_disk(config).records == 3);
  CHECK(on_disk(config).packets == 9);
}

TEST_CASE("a malformed batch changes nothing, and the stream after it is served", "[pipeline]") {
  const TempDir dir;
  const auto pipeline = started(config_in(dir));
  StubAgent agent(target_of(*pipeline));
  v1::Batch batch = wire::to_batch(sample_report(1));
  batch.clear_node();

  CHECK(agent.send(batch).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(status_of(*pipeline).batches_refused() == 1);
  CHECK(status_of(*pipeline).items_size() == 0);
  CHECK(agent.send(sample_report(1)).ok());
}

TEST_CASE("flows are named by an inventory that comes after them", "[pipeline]") {
  const TempDir dir;
  auto config = config_in(dir);
  config.inventory_file = dir / "cluster.json";
  config.http_listen = "127.0.0.1:0";
  auto pipeline = started(config);
  httplib::Client http("127.0.0.1", pipeline->http_port());
  CHECK(http.Get("/healthz")->status == 200);
  CHECK(http.Get("/readyz")->status == 503);
  const auto health = [&] {
    return test::raw_call(target_of(*pipeline), "/grpc.health.v1.Health/Check", "").message;
  };
  CHECK(health() == "\x08\x02");  // HealthCheckResponse{status: NOT_SERVING}
  StubAgent agent(target_of(*pipeline));
  Report report = sample_report(1, 2);
  report.interfaces[0].name = inventory::calico_interface_name("web", "web-1");
  REQUIRE(agent.send(report).ok());

  std::ofstream(config.inventory_file) << kInventory;
  CHECK(eventually([&] { return http.Get("/readyz")->status == 200; }));
  CHECK(eventually([&] {
    return http.Get("/metrics")->body.find("outflow_records_judged_again_total 2") !=
           std::string::npos;
  }));
  CHECK(health() == "\x08\x01");
  const std::string metrics = http.Get("/metrics")->body;
  CHECK_THAT(metrics, has_text("outflow_batches_total{outcome=\"merged\"} 1"));
  CHECK_THAT(metrics, has_text("outflow_flows_merged_total 2"));
  CHECK_THAT(metrics, has_text("outflow_agents"));
  pipeline.reset();
  CHECK(on_disk(config).known == 2);
}

TEST_CASE("no policy is made while the inventory that was promised is not read", "[pipeline]") {
  const TempDir dir;
  auto config = config_in(dir);
  config.inventory_file = dir / "cluster.json";
  const auto pipeline = started(config);
  const auto query = v1::Query::NewStub(test::connect(target_of(*pipeline)));
  const auto policy = [&query] {
    grpc::ClientContext context;
    v1::PolicyAnswer answer;
    return query->Policy(&context, v1::PolicyRequest(), &answer);
  };

  CHECK(policy().error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK_THAT(policy().error_message(),
             has_text("--inventory-file") && has_text("No such file or directory"));
  CHECK(status_of(*pipeline).context().inventory_as_of().empty());
  CHECK_THAT(status_of(*pipeline).context().inventory_error(), has_text("No such file"));
  std::ofstream(config.inventory_file) << kInventory;
  CHECK(eventually([&] { return policy().ok(); }));
}

TEST_CASE("Outflow's own namespace is not judged, whatever its name", "[pipeline]") {
  const TempDir dir;
  auto config = config_in(dir);
  config.inventory_file = dir / "cluster.json";
  std::ofstream(config.inventory_file) << kInventory;
  const auto covered = [&config] {
    const auto pipeline = started(config);
    grpc::ClientContext context;
    v1::CoverageAnswer answer;
    const auto status = v1::Query::NewStub(test::connect(target_of(*pipeline)))
                            ->Coverage(&context, v1::CoverageRequest(), &answer);
    CHECK(status.error_message().empty());
    return answer.items_size();
  };

  CHECK(covered() == 1);
  config.own_namespace = "web";
  CHECK(covered() == 0);
}

TEST_CASE("an import answers with the context it was kept in", "[pipeline]") {
  const TempDir dir;
  auto config = config_in(dir);
  config.inventory_file = dir / "cluster.json";
  std::ofstream(config.inventory_file) << kInventory;
  const auto pipeline = started(config);
  const auto importer = v1::Import::NewStub(test::connect(target_of(*pipeline)));
  grpc::ClientContext context;
  v1::ImportAnswer answer;
  const auto writer = importer->CalicoLog(&context, &answer);
  v1::CalicoLogChunk chunk;
  chunk.mutable_options()->set_at_ns(unix_ns(kClock.now()));
  chunk.set_content(
      "calico-packet: IN=cali1 OUT=ens18 SRC=10.244.3.17 DST=192.0.2.1 LEN=60 ID=1 PROTO=TCP SPT=4 "
      "DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 \n");
  writer->Write(chunk);
  writer->WritesDone();

  REQUIRE(writer->Finish().ok());
  CHECK(answer.imported() == 1);
  CHECK(answer.context().from() == "2026-05-18T00:00:00Z");
  CHECK(answer.context().to() == "2026-05-18T18:00:00Z");
  CHECK_FALSE(answer.context().inventory_as_of().empty());
}

TEST_CASE("what is older than the retention is gone after a start", "[pipeline]") {
  const TempDir dir;
  auto config = config_in(dir);
  auto pipeline = started(config);
  Report old = sample_report(1);
  old.interval = {*parse_time("2026-05-01"), *parse_time("2026-05-01T00:00:10Z")};
  old.flows[0].stats.first_seen = old.flows[0].stats.last_seen = old.interval.start;
  StubAgent agent(target_of(*pipeline));
  REQUIRE(agent.send(old).ok());
  REQUIRE(agent.send(sample_report(2)).ok());
  pipeline.reset();

  config.retention = std::chrono::days(7);
  pipeline = started(config);
  CHECK(eventually([&] { return status_of(*pipeline).flows_stored() == 1; }));
  pipeline.reset();
  CHECK(on_disk(config).records == 1);
}

TEST_CASE("reflection lists the services and the health service says they serve", "[pipeline]") {
  const TempDir dir;
  const auto pipeline = started(config_in(dir));

  // ServerReflectionRequest{list_services: ""}
  const auto listed = test::raw_call(
      target_of(*pipeline), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      std::string("\x3a\x00", 2));
  for (const char* service : {"outflow.v1.FlowIngest", "outflow.v1.Query", "outflow.v1.Import",
                              "grpc.health.v1.Health"}) {
    CHECK_THAT(listed.message, has_text(service));
  }
  const auto health = test::raw_call(target_of(*pipeline), "/grpc.health.v1.Health/Check", "");
  CHECK(health.message == "\x08\x01");  // HealthCheckResponse{status: SERVING}
}

TEST_CASE("two aggregators cannot share a port or a store", "[pipeline]") {
  const TempDir dir;
  auto config = config_in(dir);
  const auto pipeline = started(config);

  const auto same_store = Pipeline::start(config, kClock);
  REQUIRE_FALSE(same_store);
  CHECK_THAT(same_store.error().what, has_text("--data-dir") && has_text("another process"));
  config.data_dir = dir / "other";
  config.listen = target_of(*pipeline);
  const auto same_port = Pipeline::start(config, kClock);
  REQUIRE_FALSE(same_port);
  CHECK_THAT(same_port.error().what, has_text("--listen"));
}

TEST_CASE("a Unix socket does as well", "[pipeline]") {
  const TempDir dir;
  auto config = config_in(dir);
  config.listen = "unix:" + (dir / "socket");
  const auto pipeline = started(config);
  StubAgent agent(config.listen);

  CHECK(agent.send(sample_report(1)).ok());
  CHECK(pipeline->port() == 0);
}

TEST_CASE("an aggregator with agents connected stops in no time", "[pipeline]") {
  const TempDir dir;
  auto pipeline = started(config_in(dir));
  StubAgent agent(target_of(*pipeline));
  REQUIRE(agent.send(sample_report(1)).ok());

  const auto start = std::chrono::steady_clock::now();
  pipeline.reset();
  CHECK(std::chrono::steady_clock::now() - start < 3s);
}
