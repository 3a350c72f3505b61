// An address has one owner after another: what the whole aggregator keeps of each.
#include <httplib.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/inventory/snapshot.h"
#include "aggregator/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/stub_agent.h"
#include "tests/support/whole_pipeline.h"

using namespace outflow;
using namespace std::chrono_literals;
using outflow::test::StubAgent;

namespace {

constexpr const char* kClient = "10.244.3.17";
constexpr const char* kPassedOn = "10.244.3.88";
constexpr const char* kService = "10.96.5.5";

TimePoint at(const std::string& text) {
  return *parse_time(text);
}

// kubectl's JSON of a pod; `owner` is a kind and a name, or "" for a bare pod.
std::string pod(const std::string& namespace_name, const std::string& name, const char* address,
                const char* started, const std::string& owner = "") {
  return fmt::format(
      R"({{"kind": "Pod", "metadata": {{"namespace": "{}", "name": "{}"{}}}, "status":)"
      R"( {{"phase": "Running", "podIP": "{}", "startTime": "{}"}}}})",
      namespace_name, name, owner.empty() ? "" : R"(, "ownerReferences": [)" + owner + "]", address,
      started);
}

const std::string kWeb = pod("web", "web-1", kClient, "2026-05-01T00:00:00Z");
const std::string kMysql = pod("db", "mysql-0", kPassedOn, "2026-05-01T00:00:00Z",
                               R"({"controller": true, "kind": "StatefulSet", "name": "mysql"})");
const std::string kMysqlService =
    R"({"kind": "Service", "metadata": {"namespace": "db", "name": "mysql"},
        "spec": {"clusterIP": "10.96.5.5", "ports": [{"port": 3306}]}})";

// An aggregator with an inventory that a test writes.
class Cluster {
 public:
  Cluster() {
    config_.inventory_file = dir_ / "cluster.json";
    config_.http_listen = "127.0.0.1:0";
  }

  // Returns when the aggregator has it.
  void set_inventory(const std::vector<std::string>& objects) {
    const std::string written = config_.inventory_file + ".new";
    std::ofstream(written) << R"({"kind": "List", "items": [{"kind": "Namespace", "metadata":)"
                           << R"( {"name": "web"}})" << (objects.empty() ? "" : ", ")
                           << fmt::format("{}", fmt::join(objects, ", ")) << "]}";
    // Each is a minute newer than the one before.
    const auto changed = std::filesystem::file_time_type::clock::now() + 1min * ++inventories_;
    std::filesystem::last_write_time(written, changed);
    const std::string before = inventory();
    std::filesystem::rename(written, config_.inventory_file);
    if (pipeline_ == nullptr) return;
    REQUIRE(test::eventually([&] { return inventory() != before; }));
  }

  void start() { pipeline_ = test::started(config_); }

  // One opening by web-1, answered or refused.
  void send(const char* destination, const char* time, bool answered) {
    Report report = test::sample_report(++sequence_);
    report.interfaces[0].name = inventory::calico_interface_name("web", "web-1");
    report.interval = {at(time) - 5s, at(time) + 5s};
    Flow& flow = report.flows[0];
    flow.key.destination = *net::Address::parse(destination);
    flow.key.destination_port = 3306;
    flow.stats.established = answered ? 1 : 0;
    flow.stats.refused = answered ? 0 : 1;
    flow.stats.first_seen = flow.stats.last_seen = at(time);
    StubAgent agent(test::target_of(*pipeline_));
    REQUIRE(agent.send(report).ok());
  }

  void import(const std::string& lines, const char* time) {
    const auto stub = v1::Import::NewStub(test::connect(test::target_of(*pipeline_)));
    grpc::ClientContext context;
    v1::ImportAnswer answer;
    const auto writer = stub->CalicoLog(&context, &answer);
    v1::CalicoLogChunk chunk;
    chunk.mutable_options()->set_at_ns(unix_ns(at(time)));
    writer->Write(chunk);
    chunk.clear_options();
    chunk.set_content(lines);
    writer->Write(chunk);
    writer->WritesDone();
    REQUIRE(writer->Finish().ok());
    REQUIRE(answer.imported() > 0);
  }

  // Records, so far.
  std::uint64_t judged_again() const {
    httplib::Client http("127.0.0.1", pipeline_->http_port());
    const std::string metrics = http.Get("/metrics")->body;
    const std::string name = "\noutflow_records_judged_again_total ";
    return std::stoull(metrics.substr(metrics.find(name) + name.size()));
  }

  // Stops the aggregator. Everything it kept, as "namespace > peer, established/refused".
  std::vector<std::string> stop() {
    pipeline_.reset();
    const auto store = store::Store::open(config_.data_dir, config_.retention);
    REQUIRE(store);
    std::vector<std::string> kept;
    REQUIRE((*store)->scan(std::nullopt, day_of(at("2020-01-01")), day_of(at("2030-01-01")),
                           [&](const store::History& history) {
                             kept.push_back(text_of(history));
                             return true;
                           }));
    return kept;
  }

 private:
  static std::string text_of(const store::History& history) {
    const std::string from = history.source.namespace_name.empty()
                                 ? "(" + history.source.reason + ")"
                                 : history.source.namespace_name;
    return fmt::format("{} > {} {}, {}/{}", from, to_text(history.peer.kind),
                       display_name(history.peer), history.stats.established,
                       history.stats.refused);
  }

  std::string inventory() const {
    return pipeline_ == nullptr ? "" : test::status_of(*pipeline_).context().inventory_as_of();
  }

  test::TempDir dir_;
  AggregatorConfig config_ = test::config_in(dir_);
  std::unique_ptr<Pipeline> pipeline_;
  std::uint64_t sequence_ = 0;
  int inventories_ = 0;
};

using Kept = std::vector<std::string>;

}  // namespace

TEST_CASE("a pod that takes an address over within a day gets none of its evidence",
          "[address_owner]") {
  Cluster cluster;
  cluster.set_inventory({kWeb, kMysql});
  cluster.start();
  cluster.send(kPassedOn, "2026-05-18T12:00:00Z", true);
  cluster.set_inventory({kWeb, pod("elsewhere", "thief", kPassedOn, "2026-05-18T13:00:00Z")});
  cluster.send(kPassedOn, "2026-05-18T13:10:00Z", false);

  CHECK(cluster.stop() == Kept{"web > workload StatefulSet db/mysql, 1/0",
                               "web > workload Pod elsewhere/thief, 0/1"});
}

TEST_CASE("a service that is deleted within a day leaves its evidence", "[address_owner]") {
  Cluster cluster;
  cluster.set_inventory({kWeb, kMysqlService});
  cluster.start();
  cluster.send(kService, "2026-05-18T12:00:00Z", true);
  cluster.set_inventory({kWeb});
  cluster.send(kService, "2026-05-18T13:10:00Z", false);

  CHECK(cluster.stop() ==
        Kept{"web > service service db/mysql, 1/0", "web > private 10.96.5.5, 0/1"});
}

TEST_CASE("a log line is not given to a pod that started after it", "[address_owner]") {
  Cluster cluster;
  cluster.set_inventory({pod("web", "web-1", kClient, "2026-11-01T00:00:00Z"), kMysql});
  cluster.start();
  cluster.import(
      "calico-packet: IN=cali0123456789a OUT=ens18 SRC=10.244.3.17 DST=10.244.3.88 LEN=60 TTL=63 "
      "ID=1 DF PROTO=TCP SPT=40000 DPT=3306 WINDOW=64240 RES=0x00 SYN URGP=0\n",
      "2026-05-18T12:00:00Z");

  CHECK(cluster.stop() ==
        Kept{"(10.244.3.17: the pod that has the address now started later) > workload "
             "StatefulSet db/mysql, 0/0"});
}

TEST_CASE("an inventory that comes late names what was there then, and nothing that came later",
          "[address_owner]") {
  Cluster cluster;
  cluster.start();
  cluster.send(kService, "2026-04-01T12:00:00Z", true);  // however long ago
  cluster.send(kPassedOn, "2026-05-18T12:00:00Z", true);
  cluster.send("10.244.3.99", "2026-05-18T12:00:01Z", true);
  cluster.set_inventory(
      {kWeb, kMysql, kMysqlService, pod("late", "late", "10.244.3.99", "2026-05-18T14:00:00Z")});
  REQUIRE(test::eventually([&] { return cluster.judged_again() == 3; }));

  CHECK(cluster.stop() == Kept{"web > service service db/mysql, 1/0",
                               "web > workload StatefulSet db/mysql, 1/0",
                               "web > private 10.244.3.99, 1/0"});
}
