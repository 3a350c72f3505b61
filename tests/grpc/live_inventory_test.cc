// A live inventory in the whole aggregator, told by the test as an API server would.
#include <httplib.h>

#include <future>

#include <fmt/format.h>

#include "aggregator/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/whole_pipeline.h"

using namespace outflow;
using namespace std::chrono_literals;
using inventory::Kind;
using outflow::test::StubAgent;

namespace {

constexpr const char* kClient = "10.244.3.17";
const TimePoint kSeen = *parse_time("2026-05-18T12:00:00Z");

inventory::Pod web_pod(TimePoint started = kSeen - 1h) {
  inventory::Pod pod;
  pod.namespace_name = "web";
  pod.name = "web-1";
  pod.uid = "0b0e9d4a-4a57-4d1c-9d5c-0f2b3c4d5e6f";
  pod.phase = "Running";
  pod.workload = {"Pod", pod.name};
  pod.addresses = {*net::Address::parse(kClient)};
  pod.started = started;
  return pod;
}

class Cluster {
 public:
  explicit Cluster(nanoseconds wait) {
    config_.attribution_wait = wait;
    config_.http_listen = "127.0.0.1:0";
  }
  ~Cluster() { pipeline_.reset(); }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  void start() {
    std::promise<inventory::Sink*> told;
    auto sink = told.get_future();
    Outside outside;
    outside.feed = [&told](inventory::Sink& to, const std::stop_token& stop) {
      std::mutex mutex;
      std::condition_variable_any stopped;
      told.set_value(&to);
      std::unique_lock lock(mutex);
      stopped.wait(lock, stop, [] { return false; });
    };
    auto pipeline = Pipeline::start(config_, test::kClock, std::move(outside));
    if (!pipeline) FAIL(pipeline.error().what);
    pipeline_ = std::move(*pipeline);
    sink_ = sink.get();
  }

  // Lists all kinds at `at`: a namespace, and these pods.
  void list(const std::vector<inventory::Pod>& pods, TimePoint at) {
    for (std::size_t i = 0; i < inventory::kKinds; ++i) {
      const auto kind = static_cast<Kind>(i);
      sink_->begin_list(kind);
      if (kind == Kind::Namespace) sink_->put(inventory::Namespace{"web", {}}, at);
      for (const inventory::Pod& pod : pods) {
        if (kind == Kind::Pod) sink_->put(pod, at);
      }
      sink_->end_list(kind, at);
    }
    REQUIRE(test::eventually(
        [&] { return test::status_of(*pipeline_).context().inventory_as_of() == to_text(at); }));
  }

  inventory::Sink& sink() { return *sink_; }

  // One opening by web-1 to an address outside, at `time`.
  void send(TimePoint time) {
    Report report = test::sample_report(++sequence_);
    report.interfaces[0].name = inventory::calico_interface_name("web", "web-1");
    report.interval = {time - 5s, time + 5s};
    report.flows[0].stats.first_seen = report.flows[0].stats.last_seen = time;
    StubAgent agent(test::target_of(*pipeline_));
    REQUIRE(agent.send(report).ok());
  }

  // Why the inventory is not the newest, as an answer says it.
  std::string error() const { return test::status_of(*pipeline_).context().inventory_error(); }

  double metric(const std::string& series) const {
    httplib::Client http("127.0.0.1", pipeline_->http_port());
    const std::string metrics = http.Get("/metrics")->body;
    const std::size_t found = metrics.find("\n" + series + " ");
    return found == std::string::npos ? 0 : std::stod(metrics.substr(found + series.size() + 2));
  }

  void stop() { pipeline_.reset(); }

  // Everything kept, as "namespace workload > peer".
  std::vector<std::string> kept() {
    stop();
    const auto store = store::Store::open(config_.data_dir, config_.retention);
    REQUIRE(store);
    std::vector<std::string> kept;
    REQUIRE((*store)->scan(
        std::nullopt, day_of(kSeen) - std::chrono::days(60), day_of(kSeen) + std::chrono::days(9),
        [&](const store::History& history) {
          const auto& source = history.source;
          kept.push_back(fmt::format("{} > {} {}",
                                     source.namespace_name.empty()
                                         ? "(" + source.reason + ")"
                                         : source.namespace_name + " " + source.workload.name,
                                     to_text(history.peer.kind), history.peer.reason));
          return true;
        }));
    return kept;
  }

 private:
  test::TempDir dir_;
  AggregatorConfig config_ = test::config_in(dir_);
  std::unique_ptr<Pipeline> pipeline_;
  inventory::Sink* sink_ = nullptr;
  std::uint64_t sequence_ = 0;
};

using Kept = std::vector<std::string>;

TEST_CASE("a batch waits for the pod nobody knew, and is attributed when it is told in time",
          "[live_inventory]") {
  Cluster cluster(60s);
  cluster.start();
  cluster.list({}, kSeen - 10min);
  auto sent = std::async(std::launch::async, [&] { cluster.send(kSeen); });
  REQUIRE(test::eventually([&] { return cluster.metric("outflow_batches_held") == 1; }));
  cluster.sink().put(web_pod(), kSeen + 1s);
  sent.get();

  CHECK(cluster.kept() == Kept{"web web-1 > external "});
}

TEST_CASE("a batch nobody could name says so, and is judged again when the inventory catches up",
          "[live_inventory]") {
  Cluster cluster(200ms);
  cluster.start();
  cluster.send(kSeen);
  const std::string waits = "outflow_batch_waits_total{outcome=\"unknown\"}";
  REQUIRE(test::eventually([&] { return cluster.metric(waits) == 1; }));
  const Kept unknown = cluster.kept();
  REQUIRE(unknown.size() == 1);
  CHECK(unknown[0].find("the inventory was not known as of then) > unknown the inventory was not "
                        "known as of then") != std::string::npos);

  cluster.start();
  cluster.list({web_pod()}, kSeen + 6h);
  REQUIRE(
      test::eventually([&] { return cluster.metric("outflow_records_judged_again_total") == 1; }));
  CHECK(cluster.kept() == Kept{"web web-1 > external "});
}

TEST_CASE("who had an address before a restart is known after it", "[live_inventory]") {
  Cluster cluster(200ms);
  cluster.start();
  cluster.list({web_pod()}, kSeen - 10min);
  inventory::Pod over = web_pod();
  over.phase = "Succeeded";
  over.ended = kSeen + 10s;
  cluster.sink().remove(over, kSeen + 12s);
  cluster.stop();
  cluster.start();
  cluster.list({}, kSeen + 1h);
  cluster.send(kSeen);

  CHECK(cluster.kept() == Kept{"web web-1 > external "});
}

TEST_CASE("what a feed that fails does not tell is not known, and the answer says since when",
          "[live_inventory]") {
  Cluster cluster(200ms);
  cluster.start();
  cluster.list({web_pod()}, kSeen - 10min);
  cluster.sink().fail(Kind::Service, "watch services: connection refused");
  REQUIRE(test::eventually(
      [&] { return cluster.error() == "Service: watch services: connection refused"; }));
  cluster.send(kSeen);

  // Calico's name of the interface tells the source whenever it was; nothing tells the peer.
  CHECK(cluster.kept() == Kept{"web web-1 > unknown the inventory was not known as of then"});
}

}  // namespace
