#include "aggregator/access/limits.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

namespace outflow::access {
namespace {

constexpr double kMinute = 60;

// What makes a record of the store, as 64 bits: two tuples of a node and day are taken for one with
// a chance of 2^-64 a pair. absl's seed differs from process to process, so nobody can aim.
std::uint64_t fingerprint(std::string_view interface, const Flow& flow) {
  return absl::HashOf(interface, flow.key.destination.bytes(), flow.source.bytes(),
                      flow.key.destination_port, static_cast<unsigned>(flow.key.protocol));
}

}  // namespace

bool TokenBucket::take(double wanted, TimePoint now) {
  if (filled_ != TimePoint() && now > filled_) {
    level_ =
        std::min(burst_, level_ + rate_ * std::chrono::duration<double>(now - filled_).count());
  }
  filled_ = std::max(filled_, now);
  if (level_ < wanted) return false;
  level_ -= wanted;
  return true;
}

struct Limiter::Node {
  explicit Node(const AgentLimits& limits)
      : batches(limits.batches_per_second, limits.batches_per_second * kMinute),
        flows(limits.flows_per_minute / kMinute, limits.flows_per_minute) {}

  std::mutex mutex;
  TokenBucket batches;
  TokenBucket flows;
  Day day{};
  absl::flat_hash_set<std::uint64_t> tuples;  // of that day
};

Limiter::Limiter(const AgentLimits& limits, const Clock& clock) : limits_(limits), clock_(clock) {}

Limiter::~Limiter() = default;

std::shared_ptr<Limiter::Node> Limiter::node_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(name);
  if (found != nodes_.end()) return found->second;
  if (nodes_.size() >= kNodesMax) return nullptr;
  return nodes_.emplace(name, std::make_shared<Node>(limits_)).first->second;
}

Limiter::Verdict Limiter::take(Report& report) {
  const auto node = node_of(report.node);
  if (node == nullptr) return Verdict::TooManyNodes;
  const TimePoint now = clock_.now();
  const std::lock_guard lock(node->mutex);
  if (!node->batches.take(1, now)) return Verdict::TooManyBatches;
  if (!node->flows.take(static_cast<double>(report.flows.size()), now)) {
    return Verdict::TooManyFlows;
  }
  if (node->day != day_of(now)) {
    node->day = day_of(now);
    remembered_ -= node->tuples.size();
    node->tuples = {};
  }
  cut(*node, report);
  return Verdict::Fine;
}

void Limiter::cut(Node& node, Report& report) {
  std::map<std::uint64_t, std::string_view> names;
  for (const Interface& interface : report.interfaces) names[interface.id] = interface.name;
  std::uint64_t lost = 0;
  const auto is_over = [&](const Flow& flow) {
    const std::uint64_t tuple = fingerprint(names[flow.key.interface_id], flow);
    if (node.tuples.contains(tuple)) return false;
    if (node.tuples.size() >= limits_.tuples_per_day || remembered_ >= kTuplesRememberedMax) {
      // A tuple without packets, an attempt's outcome for one, is a loss as well.
      lost += std::max<std::uint64_t>(1, flow.stats.packets);
      return true;
    }
    node.tuples.insert(tuple);
    ++remembered_;
    return false;
  };
  auto& flows = report.flows;
  flows.erase(std::remove_if(flows.begin(), flows.end(), is_over), flows.end());
  if (lost > 0) report.losses.push_back({kCardinalityLoss, lost});
}

}  // namespace outflow::access
