// The ingest service alone, with a sink of the test's.
#include "aggregator/ingest/report_service.h"

#include <thread>

#include "tests/support/catch.h"
#include "tests/support/stub_agent.h"

using namespace outflow;
using namespace std::chrono_literals;
using outflow::test::has_text;
using outflow::test::sample_report;
using outflow::test::StubAgent;

namespace {

class Served {
 public:
  explicit Served(ingest::ReportSink sink)
      : service_(
            ingest::make_report_service(std::move(sink), counters, agents_, stop_.get_token())) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.SetMaxReceiveMessageSize(static_cast<int>(wire::kMessageBytesMax));
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
  }
  ~Served() { stop(); }
  void stop() {
    stop_.request_stop();
    server_->Shutdown(std::chrono::system_clock::now() + 10s);
  }
  [[nodiscard]] std::string target() const { return "127.0.0.1:" + std::to_string(port_); }

  ingest::IngestCounters counters;

 private:
  SystemClock clock_;
  access::Agents agents_{false, {}, clock_};
  std::stop_source stop_;
  std::unique_ptr<grpc::Service> service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

TEST_CASE("a batch arrives whole and is acknowledged, batch after batch on one stream",
          "[ingest]") {
  std::vector<Report> seen;
  Served served([&](Report report) {
    seen.push_back(std::move(report));
    return true;
  });
  StubAgent agent(served.target());

  CHECK(agent.send(sample_report(1, 3)).ok());
  CHECK(agent.send(sample_report(2, 2)).ok());
  REQUIRE(seen.size() == 2);
  CHECK(seen[0] == sample_report(1, 3));
  CHECK(seen[1] == sample_report(2, 2));
  CHECK(served.counters.merged == 2);
  CHECK(served.counters.flows == 5);
  CHECK(served.counters.streams == 1);
}

TEST_CASE("a repeat is acknowledged like any other batch", "[ingest]") {
  Served served([](const Report&) { return false; });
  StubAgent agent(served.target());

  CHECK(agent.send(sample_report(1)).ok());
  CHECK(served.counters.repeated == 1);
  CHECK(served.counters.merged == 0);
  CHECK(served.counters.flows == 0);
}

TEST_CASE("a batch is acknowledged only after the sink returned", "[ingest]") {
  std::atomic<bool> kept = false;
  Served served([&](const Report&) {
    std::this_thread::sleep_for(50ms);
    kept = true;
    return true;
  });
  StubAgent agent(served.target());

  REQUIRE(agent.send(sample_report(1)).ok());
  CHECK(kept);
}

TEST_CASE("a sink that fails leaves the batch unacknowledged, and the next try is a new stream",
          "[ingest]") {
  bool full = true;
  Served served([&](const Report&) -> Result<bool> {
    if (full) return fail("store: No space left on device");
    return true;
  });
  StubAgent agent(served.target());

  const grpc::Status status = agent.send(sample_report(1));
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK_THAT(status.error_message(), has_text("No space left"));
  full = false;
  CHECK(agent.send(sample_report(1)).ok());
  CHECK(served.counters.failed == 1);
  CHECK(served.counters.merged == 1);
}

TEST_CASE("a malformed batch ends the stream naming the field, which is counted", "[ingest]") {
  int calls = 0;
  Served served([&](const Report&) {
    ++calls;
    return true;
  });
  StubAgent agent(served.target());
  v1::Batch batch = wire::to_batch(sample_report(1, 2));
  batch.mutable_flows()->set_protocol(1, 256);

  const grpc::Status status = agent.send(batch);
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(status.error_message(), has_text("flows.protocol[1]"));
  CHECK(agent.send(batch).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(calls == 0);
  CHECK(served.counters.refused() == std::map<std::string, std::uint64_t>{{"flows.protocol", 2}});
}

TEST_CASE("bytes that are no message are refused like any malformed batch", "[ingest]") {
  Served served([](const Report&) { return true; });

  const auto answer =
      test::raw_call(served.target(), "/outflow.v1.FlowIngest/Report", "\xff\xff\xff\xff garbage");
  CHECK(answer.status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(served.counters.refused().at("batch") == 1);
}

TEST_CASE("a message over the bound is not read", "[ingest]") {
  Served served([](const Report&) { return true; });

  const auto answer = test::raw_call(served.target(), "/outflow.v1.FlowIngest/Report",
                                     std::string(wire::kMessageBytesMax + 1, 'x'));
  CHECK(answer.status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_CASE("an agent that closes its stream ends the call well", "[ingest]") {
  Served served([](const Report&) { return true; });
  StubAgent agent(served.target());
  REQUIRE(agent.send(sample_report(1)).ok());

  CHECK(agent.close().error_message() == "the stream ended");  // with OK
  served.stop();
  CHECK(served.counters.streams == 0);
}

TEST_CASE("a stop ends idle streams at once", "[ingest]") {
  Served served([](const Report&) { return true; });
  StubAgent first(served.target());
  StubAgent second(served.target());
  REQUIRE(first.send(sample_report(1)).ok());
  REQUIRE(second.send(sample_report(1)).ok());

  const auto start = std::chrono::steady_clock::now();
  served.stop();
  CHECK(std::chrono::steady_clock::now() - start < 5s);
  CHECK(served.counters.streams == 0);
  CHECK_FALSE(first.send(sample_report(2)).ok());
}

TEST_CASE("many agents at once are each served in order", "[ingest]") {
  std::mutex mutex;
  std::map<std::string, std::uint64_t> last;
  bool in_order = true;
  Served served([&](const Report& report) {
    const std::lock_guard lock(mutex);
    in_order = in_order && ++last[report.node] == report.sequence;
    return true;
  });
  std::vector<std::jthread> agents;
  std::atomic<int> acknowledged = 0;
  for (int n = 0; n < 8; ++n) {
    agents.emplace_back([&, n] {
      StubAgent agent(served.target());
      for (std::uint64_t sequence = 1; sequence <= 20; ++sequence) {
        acknowledged += agent.send(sample_report(sequence, 1, "node-" + std::to_string(n))).ok();
      }
    });
  }
  agents.clear();

  CHECK(acknowledged == 160);
  CHECK(in_order);
  CHECK(last.size() == 8);
}
