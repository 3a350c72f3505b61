// The whole aggregator in the test's process, on a port of its own, at 18:00 of a day that stands.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "aggregator/pipeline.h"
#include "common/text.h"
#include "outflow/v1/query.grpc.pb.h"
#include "tests/support/catch.h"
#include "tests/support/stub_agent.h"
#include "tests/support/temp_dir.h"

namespace outflow::test {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return *parse_time("2026-05-18T18:00:00Z"); }
};
inline const FixedClock kClock;

inline AggregatorConfig config_in(const TempDir& dir) {
  AggregatorConfig config;
  config.listen = "127.0.0.1:0";
  config.http_listen = "";
  config.data_dir = dir / "store";
  return config;
}

inline std::unique_ptr<Pipeline> started(const AggregatorConfig& config) {
  auto pipeline = Pipeline::start(config, kClock);
  if (!pipeline) FAIL(pipeline.error().what);
  return std::move(*pipeline);
}

inline std::string target_of(const Pipeline& pipeline) {
  return "127.0.0.1:" + std::to_string(pipeline.port());
}

inline v1::StatusAnswer status_of(const Pipeline& pipeline) {
  grpc::ClientContext context;
  v1::StatusAnswer answer;
  const auto status = v1::Query::NewStub(connect(target_of(pipeline)))
                          ->Status(&context, v1::StatusRequest(), &answer);
  CHECK(status.error_message().empty());
  return answer;
}

// Waits for what another thread does; false after ten seconds.
template <class Condition>
bool eventually(Condition condition) {
  for (int tries = 0; tries < 200; ++tries) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

}  // namespace outflow::test
