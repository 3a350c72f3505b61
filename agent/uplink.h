// The agent's end of FlowIngest: sends batches in order, one in flight, the same bytes again until
// the aggregator says they are on disk. Back-off with jitter, 0.5 s to 30 s, while it is away.
//
// The reporting thread submits and asks; a thread of the uplink's own sends.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include "common/clock.h"
#include "common/result.h"

namespace outflow::agent {

// A connection of its own for every conversation: on a shared one gRPC would refuse at once while
// its own back-off runs, and ours would grow for nothing. `server_name`: proto/credentials.h.
[[nodiscard]] std::shared_ptr<grpc::Channel> connect(
    const std::string& endpoint, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    const std::string& server_name = "");

class Uplink {
 public:
  struct Counts {
    std::uint64_t sent = 0;  // resends included
    std::uint64_t acknowledged = 0;
    std::uint64_t reconnects = 0;
    std::uint64_t refused = 0;      // the aggregator could not read a batch
    TimePoint last_acknowledged{};  // epoch: never
  };

  struct Timing {
    nanoseconds ack_timeout = std::chrono::seconds(30);
    nanoseconds backoff_min = std::chrono::milliseconds(500);
    nanoseconds backoff_max = std::chrono::seconds(30);
  };

  // How a new connection is made; an Error is like an aggregator that is away. When `generation`
  // gives another number than it did when the connection was made, the next batch goes over a new
  // one: our certificate was renewed.
  struct Way {
    std::function<Result<std::shared_ptr<grpc::Channel>>()> connect;
    std::function<std::uint64_t()> generation = [] { return 0; };
  };

  // In plaintext.
  explicit Uplink(const std::string& endpoint) : Uplink(endpoint, Timing()) {}
  Uplink(const std::string& endpoint, const Timing& timing);
  Uplink(Way way, const Timing& timing);
  ~Uplink();
  Uplink(const Uplink&) = delete;
  Uplink& operator=(const Uplink&) = delete;

  // Takes serialized batches; only when idle().
  void submit(std::vector<std::string> batches);
  // Everything submitted is acknowledged.
  [[nodiscard]] bool idle() const;
  [[nodiscard]] bool wait_idle(nanoseconds time) const;
  [[nodiscard]] Counts counts() const;

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] std::string front() const;
  void acknowledged();

  const Way way_;
  const Timing timing_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  std::vector<std::string> batches_;  // the first is in flight
  Counts counts_;
  std::jthread thread_;  // last: stops first
};

}  // namespace outflow::agent
