// How much one node may report, so that a broken or hostile agent cannot fill the aggregator. Far
// above what honest nodes need: a batch every ten seconds, a few thousand tuples a day.
//
// A node over its rate is told to come again later, and nothing of it is lost. A node over its
// number of distinct tuples a day keeps those it has; new ones are left out, and their packets are
// counted as the loss `agent_cardinality` of its report, where every answer shows it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/clock.h"
#include "common/flow.h"

namespace outflow::access {

inline constexpr const char* kCardinalityLoss = "agent_cardinality";

struct AgentLimits {
  std::uint32_t batches_per_second = 10;  // on average over a minute
  std::uint32_t flows_per_minute = 2'000'000;
  std::uint32_t tuples_per_day = 250'000;
};
// Tuples remembered for all nodes together, 9 to 18 bytes each: 400 MiB at most. Beyond, no node
// gets new ones until midnight (UTC).
inline constexpr std::size_t kTuplesRememberedMax = 24'000'000;
// More nodes than a cluster has (Kubernetes supports 5,000) are not listened to.
inline constexpr std::size_t kNodesMax = 20'000;

// Fills at `rate` a second up to `burst`. Not thread-safe.
class TokenBucket {
 public:
  TokenBucket(double rate, double burst) : rate_(rate), burst_(burst), level_(burst) {}
  // False, and nothing taken, when there are fewer. A clock that goes back adds nothing.
  bool take(double wanted, TimePoint now);

 private:
  double rate_;
  double burst_;
  double level_;
  TimePoint filled_{};
};

// Thread-safe.
class Limiter {
 public:
  Limiter(const AgentLimits& limits, const Clock& clock);
  ~Limiter();
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;

  enum class Verdict { Fine, TooManyBatches, TooManyFlows, TooManyNodes };
  // Counts a report, and takes from it what is over the number of tuples. A report that comes twice
  // counts twice towards the rates, once towards the tuples.
  [[nodiscard]] Verdict take(Report& report);

 private:
  struct Node;
  [[nodiscard]] std::shared_ptr<Node> node_of(const std::string& name);
  void cut(Node& node, Report& report);

  const AgentLimits limits_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> nodes_;
  std::atomic<std::size_t> remembered_ = 0;  // of all nodes
};

}  // namespace outflow::access
