// What an agent gone bad can do to the aggregator: little, and visibly.
#include "tests/support/secure_pipeline.h"

using namespace outflow;
using namespace outflow::test;
using grpc::StatusCode;

namespace {

std::uint64_t loss_of(const v1::StatusAnswer& status, const std::string& reason) {
  for (const auto& loss : status.context().losses()) {
    if (loss.reason() == reason) return loss.count();
  }
  return 0;
}

v1::StatusAnswer status_as_admin(const Pipeline& pipeline, const TestAuthority& authority) {
  grpc::ClientContext context;
  v1::StatusAnswer answer;
  const auto channel = connect_as(pipeline, authority.user("eve", {"outflow:admins"}));
  const auto status = v1::Query::NewStub(channel)->Status(&context, v1::StatusRequest(), &answer);
  CHECK(status.error_message().empty());
  return answer;
}

}  // namespace

TEST_CASE("a flood of batches is told to come later, and others are served", "[hostile]") {
  const TempDir dir;
  const TestAuthority authority;
  AggregatorConfig config = secure_config_in(dir, authority);
  config.agent_limits.batches_per_second = 1;  // 60 at once
  const auto pipeline = started(config);
  StubAgent flood(connect_as(*pipeline, authority.agent("k8s-w1")));
  StubAgent honest(connect_as(*pipeline, authority.agent("k8s-w2")));
  grpc::Status ended;
  std::uint64_t sequence = 0;
  while (ended.ok() && sequence < 100) ended = flood.send(sample_report(++sequence));

  CHECK(sequence == 61);
  CHECK(ended.error_code() == StatusCode::RESOURCE_EXHAUSTED);
  CHECK(honest.send(sample_report(1, 1, "k8s-w2")).ok());
}

TEST_CASE("made-up tuples end at a day's number and are a visible loss", "[hostile]") {
  const TempDir dir;
  const TestAuthority authority;
  AggregatorConfig config = secure_config_in(dir, authority);
  config.agent_limits.tuples_per_day = 10;
  const auto pipeline = started(config);
  StubAgent agent(connect_as(*pipeline, authority.agent("k8s-w1")));
  REQUIRE(agent.send(sample_report(1, 1000)).ok());

  const auto status = status_as_admin(*pipeline, authority);
  CHECK(loss_of(status, "agent_cardinality") == 990);
  REQUIRE(status.items_size() == 1);
  CHECK(status.items(0).losses(0).reason() == "agent_cardinality");
}

TEST_CASE("a message larger than a batch can be is not even read", "[hostile]") {
  const TempDir dir;
  const TestAuthority authority;
  const auto pipeline = started(secure_config_in(dir, authority));
  v1::Batch huge = wire::to_batch(sample_report(1));
  huge.set_agent_version(std::string(wire::kMessageBytesMax, 'x'));
  StubAgent agent(connect_as(*pipeline, authority.agent("k8s-w1")));

  CHECK(agent.send(huge).error_code() == StatusCode::RESOURCE_EXHAUSTED);
}

TEST_CASE("a thousand streams of one identity are one", "[hostile]") {
  constexpr int kStreams = 1000;
  const TempDir dir;
  const TestAuthority authority;
  AggregatorConfig config = secure_config_in(dir, authority);
  config.agent_limits.batches_per_second = kStreams;
  const auto pipeline = started(config);
  const auto channel = connect_as(*pipeline, authority.agent("k8s-w1"));
  std::vector<std::unique_ptr<StubAgent>> agents;
  int open = 0;
  for (int i = 1; i <= kStreams; ++i) {
    agents.push_back(std::make_unique<StubAgent>(channel));
    if (agents.back()->send(sample_report(static_cast<std::uint64_t>(i))).ok()) ++open;
  }
  CHECK(open == kStreams);  // each in its turn
  int alive = 0;
  for (auto& agent : agents) {
    if (&agent == &agents.back()) break;
    if (agent->send(sample_report(kStreams + 1)).ok()) ++alive;
  }

  CHECK(alive == 0);
  CHECK(agents.back()->send(sample_report(kStreams + 1)).ok());
}
