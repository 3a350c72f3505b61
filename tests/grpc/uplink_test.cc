#include "agent/uplink.h"

#include <deque>

#include <grpcpp/grpcpp.h>

#include "common/mutex.h"
#include "outflow/v1/flow.grpc.pb.h"
#include "proto/wire.h"
#include "tests/support/catch.h"

using namespace outflow;
using namespace std::chrono_literals;
using agent::Uplink;

namespace {

constexpr Uplink::Timing kFast{.ack_timeout = 300ms, .backoff_min = 10ms, .backoff_max = 50ms};

// What the aggregator does with one batch.
enum class Answer { Acknowledge, AcknowledgeLess, StayQuiet, Hang, Refuse };

// A FlowIngest that follows a script, then acknowledges everything.
class FakeIngest final : public v1::FlowIngest::Service {
 public:
  explicit FakeIngest(std::deque<Answer> script) : script_(std::move(script)) {}

  grpc::Status Report(grpc::ServerContext* context,
                      grpc::ServerReaderWriter<v1::Acknowledgement, v1::Batch>* stream) override {
    v1::Batch batch;
    while (stream->Read(&batch)) {
      switch (note(batch)) {
        case Answer::Acknowledge: {
          v1::Acknowledgement answer;
          answer.set_sequence(batch.sequence());
          stream->Write(answer);
          break;
        }
        case Answer::AcknowledgeLess: {
          v1::Acknowledgement answer;
          answer.set_sequence(batch.sequence() - 1);
          stream->Write(answer);
          return {grpc::StatusCode::UNAVAILABLE, "going away"};
        }
        case Answer::StayQuiet:  // the acknowledgement is lost, and the stream with it
          return {grpc::StatusCode::UNAVAILABLE, "going away"};
        case Answer::Hang:
          while (!context->IsCancelled()) std::this_thread::sleep_for(5ms);
          return grpc::Status::CANCELLED;
        case Answer::Refuse:
          return {grpc::StatusCode::INVALID_ARGUMENT, "flows.protocol[0]: out of range"};
      }
    }
    return grpc::Status::OK;
  }

  [[nodiscard]] std::vector<std::string> received() const {
    const MutexLock lock(mutex_);
    return received_;
  }

 private:
  Answer note(const v1::Batch& batch) {
    const MutexLock lock(mutex_);
    received_.push_back(batch.SerializeAsString());
    if (script_.empty()) return Answer::Acknowledge;
    const Answer answer = script_.front();
    script_.pop_front();
    return answer;
  }

  mutable Mutex mutex_;
  std::deque<Answer> script_ GUARDED_BY(mutex_);
  std::vector<std::string> received_ GUARDED_BY(mutex_);
};

class Server {
 public:
  explicit Server(std::deque<Answer> script, int port = 0) : ingest(std::move(script)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(&ingest);
    server_ = builder.BuildAndStart();
  }
  ~Server() {
    if (server_) server_->Shutdown(std::chrono::system_clock::now());
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }

  FakeIngest ingest;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

std::string batch(std::uint64_t sequence, std::uint8_t boot = 1) {
  Report report;
  report.node = "n";
  report.boot[0] = boot;
  report.sequence = sequence;
  report.interval = {from_unix_ns(1'000), from_unix_ns(2'000)};
  return wire::to_batch(report).SerializeAsString();
}

}  // namespace

TEST_CASE("batches arrive in order, as the bytes they were written down as", "[uplink]") {
  Server server({});
  Uplink uplink(server.endpoint(), kFast);
  uplink.submit({batch(1), batch(2), batch(3)});

  REQUIRE(uplink.wait_idle(5s));
  CHECK(server.ingest.received() == std::vector<std::string>{batch(1), batch(2), batch(3)});
  CHECK(uplink.counts().acknowledged == 3);
  CHECK(uplink.counts().reconnects == 0);
}

TEST_CASE("a batch whose acknowledgement is lost is sent again, byte for byte", "[uplink]") {
  Server server({Answer::StayQuiet, Answer::Acknowledge, Answer::StayQuiet});
  Uplink uplink(server.endpoint(), kFast);
  uplink.submit({batch(7), batch(8)});

  REQUIRE(uplink.wait_idle(5s));
  CHECK(server.ingest.received() ==
        std::vector<std::string>{batch(7), batch(7), batch(8), batch(8)});
  CHECK(uplink.counts().acknowledged == 2);
  CHECK(uplink.counts().reconnects == 2);
}

TEST_CASE("an acknowledgement of less than the batch is none", "[uplink]") {
  Server server({Answer::AcknowledgeLess});
  Uplink uplink(server.endpoint(), kFast);
  uplink.submit({batch(7)});

  REQUIRE(uplink.wait_idle(5s));
  CHECK(server.ingest.received() == std::vector<std::string>{batch(7), batch(7)});
}

TEST_CASE("an aggregator that does not answer in time is asked again", "[uplink]") {
  Server server({Answer::Hang});
  Uplink uplink(server.endpoint(), kFast);
  uplink.submit({batch(1)});

  REQUIRE(uplink.wait_idle(5s));
  CHECK(server.ingest.received().size() == 2);
}

TEST_CASE("a refused batch is held, counted and offered again", "[uplink]") {
  Server server({Answer::Refuse, Answer::Refuse});
  Uplink uplink(server.endpoint(), kFast);
  uplink.submit({batch(1), batch(2)});

  REQUIRE(uplink.wait_idle(5s));
  CHECK(server.ingest.received() ==
        std::vector<std::string>{batch(1), batch(1), batch(1), batch(2)});
  CHECK(uplink.counts().refused == 2);
}

TEST_CASE("what waits while the aggregator is away arrives when it comes", "[uplink]") {
  int port = 0;
  { port = Server({}).port(); }
  Uplink uplink("127.0.0.1:" + std::to_string(port), kFast);
  uplink.submit({batch(1)});
  CHECK_FALSE(uplink.wait_idle(200ms));

  Server server({}, port);

  REQUIRE(uplink.wait_idle(10s));
  CHECK(server.ingest.received() == std::vector<std::string>{batch(1)});
}

TEST_CASE("an aggregator that restarts between two batches loses none", "[uplink]") {
  auto first = std::make_unique<Server>(std::deque<Answer>{});
  const int port = first->port();
  Uplink uplink(first->endpoint(), kFast);
  uplink.submit({batch(1)});
  REQUIRE(uplink.wait_idle(5s));
  first.reset();
  Server second({}, port);
  uplink.submit({batch(2)});

  REQUIRE(uplink.wait_idle(10s));
  CHECK(second.ingest.received() == std::vector<std::string>{batch(2)});
}

TEST_CASE("the last batch of one boot and the first of the next go out in turn", "[uplink]") {
  Server server({Answer::StayQuiet});
  Uplink uplink(server.endpoint(), kFast);
  uplink.submit({batch(17, 1), batch(1, 2)});

  REQUIRE(uplink.wait_idle(5s));
  CHECK(server.ingest.received() ==
        std::vector<std::string>{batch(17, 1), batch(17, 1), batch(1, 2)});
}

TEST_CASE("an uplink that is stopped while it waits ends at once", "[uplink]") {
  Server server({Answer::Hang, Answer::Hang, Answer::Hang});
  const auto begin = std::chrono::steady_clock::now();
  {
    Uplink uplink(server.endpoint(), {.ack_timeout = 30s, .backoff_min = 30s, .backoff_max = 30s});
    uplink.submit({batch(1)});
    CHECK_FALSE(uplink.wait_idle(100ms));
  }
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
}

namespace {

std::vector<bool> told_facts(const FakeIngest& ingest) {
  std::vector<bool> told;
  for (const std::string& bytes : ingest.received()) {
    v1::Batch batch;
    REQUIRE(batch.ParseFromString(bytes));
    told.push_back(batch.has_facts());
  }
  return told;
}

const Uplink::MakeFacts kFacts = [](nanoseconds trip) {
  NodeFacts facts;
  facts.kernel = "6.1.0";
  facts.round_trip = trip;
  return facts;
};

}  // namespace

TEST_CASE("facts go with the first batch of each stream, with the moment it was sent", "[uplink]") {
  Server server({Answer::Acknowledge, Answer::Acknowledge, Answer::StayQuiet});
  const auto begin = SystemClock().now();
  Uplink uplink(server.endpoint(), kFast, kFacts);
  uplink.submit({batch(1), batch(2), batch(3)});

  REQUIRE(uplink.wait_idle(5s));
  // The third is sent twice: its first stream broke.
  CHECK(told_facts(server.ingest) == std::vector<bool>{true, false, false, true});
  v1::Batch first;
  REQUIRE(first.ParseFromString(server.ingest.received().front()));
  CHECK(first.facts().sent_at_ns() >= unix_ns(begin));
  CHECK(first.facts().sent_at_ns() <= unix_ns(SystemClock().now()));
}

TEST_CASE("what is refused is sent again without facts: they may be what was refused", "[uplink]") {
  Server server({Answer::Refuse});
  Uplink uplink(server.endpoint(), kFast, kFacts);
  uplink.submit({batch(1)});

  REQUIRE(uplink.wait_idle(5s));
  CHECK(told_facts(server.ingest) == std::vector<bool>{true, false});
}
