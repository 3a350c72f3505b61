// Doctor and backup against the whole aggregator in this process.
#include <algorithm>
#include <fstream>

#include "aggregator/store/maintenance.h"
#include "outflow/v1/query.grpc.pb.h"
#include "tests/support/catch.h"
#include "tests/support/stub_agent.h"
#include "tests/support/whole_pipeline.h"

using namespace outflow;
using namespace std::chrono_literals;
using outflow::test::config_in;
using outflow::test::has_text;
using outflow::test::kClock;
using outflow::test::sample_report;
using outflow::test::started;
using outflow::test::StubAgent;
using outflow::test::target_of;
using outflow::test::TempDir;

namespace {

v1::DoctorAnswer doctor(const Pipeline& pipeline) {
  grpc::ClientContext context;
  v1::DoctorAnswer answer;
  const auto status = v1::Query::NewStub(test::connect(target_of(pipeline)))
                          ->Doctor(&context, v1::DoctorRequest(), &answer);
  CHECK(status.error_message().empty());
  return answer;
}

v1::DoctorCheck check_of(const v1::DoctorAnswer& answer, const std::string& name) {
  const auto found = std::find_if(answer.items().begin(), answer.items().end(),
                                  [&](const auto& check) { return check.check() == name; });
  REQUIRE(found != answer.items().end());
  return *found;
}

struct Taken {
  grpc::Status status;
  std::string bytes;
};

Taken backup(const Pipeline& pipeline) {
  grpc::ClientContext context;
  const auto stub = v1::Maintenance::NewStub(test::connect(target_of(pipeline)));
  const auto reader = stub->Backup(&context, v1::BackupRequest());
  Taken taken;
  v1::BackupChunk chunk;
  while (reader->Read(&chunk)) taken.bytes += chunk.content();
  taken.status = reader->Finish();
  return taken;
}

}  // namespace

TEST_CASE("what an agent tells of its node stands in the doctor's answer", "[doctor]") {
  const TempDir dir;
  const auto pipeline = started(config_in(dir));
  StubAgent agent(target_of(*pipeline));
  Report report = sample_report(1, 3);
  NodeFacts facts;
  facts.kernel = "6.12.0";
  facts.sent_at = kClock.now() + 40s;
  facts.round_trip = 5ms;
  report.facts = facts;
  REQUIRE(agent.send(report).ok());

  const auto answer = doctor(*pipeline);
  CHECK(check_of(answer, "kernel").found() == "6.12.0");
  CHECK(check_of(answer, "clock").state() == "fail");
  CHECK_THAT(check_of(answer, "clock").found(), has_text("40s ahead of the aggregator"));
  CHECK(static_cast<int>(answer.ok() + answer.warn() + answer.fail() + answer.unknown()) ==
        answer.items_size());
}

TEST_CASE("a repeated batch brings newer facts and no second flow", "[doctor]") {
  const TempDir dir;
  const auto pipeline = started(config_in(dir));
  StubAgent agent(target_of(*pipeline));
  Report report = sample_report(1, 3);
  REQUIRE(agent.send(report).ok());
  CHECK(check_of(doctor(*pipeline), "facts").state() == "unknown");
  report.facts = NodeFacts();
  report.facts->kernel = "6.12.0";
  REQUIRE(agent.send(report).ok());

  CHECK(check_of(doctor(*pipeline), "kernel").found() == "6.12.0");
  CHECK(test::status_of(*pipeline).batches_repeated() == 1);
}

TEST_CASE("losses of today are beside the packets of today", "[doctor]") {
  const TempDir dir;
  const auto pipeline = started(config_in(dir));
  StubAgent agent(target_of(*pipeline));
  Report report = sample_report(1, 3);
  report.losses = {{"ring_full", 1}};
  REQUIRE(agent.send(report).ok());

  CHECK_THAT(check_of(doctor(*pipeline), "losses").found(),
             has_text("1 today (ring_full 1) beside 3 packets recorded"));
}

TEST_CASE("a backup taken from a running aggregator answers the same elsewhere", "[backup]") {
  const TempDir dir;
  auto config = config_in(dir);
  const auto pipeline = started(config);
  StubAgent agent(target_of(*pipeline));
  REQUIRE(agent.send(sample_report(1, 3)).ok());
  const auto taken = backup(*pipeline);
  REQUIRE(taken.status.ok());
  REQUIRE(agent.send(sample_report(2, 3)).ok());  // it goes on
  std::ofstream(dir / "file", std::ios::binary) << taken.bytes;

  REQUIRE(store::restore(dir / "file", dir / "other"));
  config.data_dir = dir / "other";
  const auto other = started(config);
  CHECK(test::status_of(*other).flows_stored() == 3);
  StubAgent again(target_of(*other));
  REQUIRE(again.send(sample_report(1, 3)).ok());
  CHECK(test::status_of(*other).batches_repeated() == 1);
}

TEST_CASE("one backup runs at a time, and a client that goes away makes room", "[backup]") {
  const TempDir dir;
  const auto pipeline = started(config_in(dir));
  StubAgent agent(target_of(*pipeline));
  // More than the windows of gRPC and the socket take, so that the first one waits for its reader.
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) {
    REQUIRE(agent.send(sample_report(sequence, 16'000, "node-" + std::to_string(sequence))).ok());
  }
  const auto stub = v1::Maintenance::NewStub(test::connect(target_of(*pipeline)));
  {
    grpc::ClientContext context;
    const auto reader = stub->Backup(&context, v1::BackupRequest());
    v1::BackupChunk chunk;
    REQUIRE(reader->Read(&chunk));

    CHECK(backup(*pipeline).status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
    context.TryCancel();
    while (reader->Read(&chunk)) {
    }
    CHECK_FALSE(reader->Finish().ok());
  }
  CHECK(test::eventually([&] { return backup(*pipeline).status.ok(); }));
}
