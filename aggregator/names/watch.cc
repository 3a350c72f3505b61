#include "aggregator/names/watch.h"

#include <algorithm>
#include <limits>

#include "aggregator/names/rules.h"
#include "common/names.h"

namespace outflow::names {
namespace {

constexpr const char* kReadsNone = "its agent reads no DNS answers";

// A tuple that is missing may have been a lookup, and a hook that came late saw none.
std::vector<std::string> reasons_of(const Report& report) {
  std::vector<std::string> reasons;
  if (!report.reads_names) reasons.emplace_back(kReadsNone);
  for (const Counter& loss : report.losses) {
    if (loss.count > 0) reasons.push_back("loss: " + loss.reason);
  }
  for (const Counter& skip : report.skipped) {
    if (skip.count > 0 && is_answer_loss(skip.reason)) reasons.push_back("loss: " + skip.reason);
  }
  return reasons;
}

}  // namespace

// A reason that goes on is one gap.
void Watch::add_gap(Node& node, const Interval& interval, const std::string& reason) {
  const auto same = std::find_if(node.gaps.rbegin(), node.gaps.rend(), [&](const Gap& gap) {
    return gap.reason == reason && gap.interval.end + kMissedFor >= interval.start;
  });
  if (same != node.gaps.rend()) {
    same->interval.end = std::max(same->interval.end, interval.end);
    return;
  }
  std::erase_if(node.gaps, [&](const Gap& gap) {
    return gap.interval.end + kMissedFor + kLate < interval.start;
  });
  if (node.gaps.size() == kGapsMax) node.gaps.erase(node.gaps.begin());
  node.gaps.push_back({interval, reason});
}

bool Watch::hear(const Report& report) {
  const auto [entry, added] = nodes_.try_emplace(report.node);
  Node& node = entry->second;
  const bool new_boot = added || node.boot != report.boot;
  if (!new_boot && report.sequence <= node.sequence) return false;
  if (new_boot) {
    node.boot = report.boot;
    node.watched_since = report.interval.start;
    node.first_interfaces_max = 0;
    for (const Interface& interface : report.interfaces) {
      node.first_interfaces_max = std::max(node.first_interfaces_max, interface.id);
    }
  } else if (report.sequence != node.sequence + 1) {
    add_gap(node, {node.interval.end, report.interval.start}, "loss: sequence_gap");
  }
  node.sequence = report.sequence;
  if (new_boot || report.interval.start < report.interval.end) node.interval = report.interval;
  for (const std::string& reason : reasons_of(report)) add_gap(node, node.interval, reason);
  return true;
}

void Watch::restore(const Before& before) {
  Node& node = nodes_[before.node];
  node.boot = before.boot;
  node.sequence = before.sequence;
  node.watched_since = before.last_end - before.covered;
  node.first_interfaces_max = std::numeric_limits<std::uint64_t>::max();
  node.interval = {before.last_end, before.last_end};
  if (!before.loss.empty()) add_gap(node, node.interval, "loss: " + before.loss);
}

TimePoint Watch::heard_until(const std::string& node) const {
  const auto entry = nodes_.find(node);
  return entry != nodes_.end() ? entry->second.interval.end : TimePoint();
}

TimePoint Watch::interval_start(const Report& report) const {
  const auto node = nodes_.find(report.node);
  if (node == nodes_.end() || report.interval.start < report.interval.end) {
    return report.interval.start;
  }
  const Interval& whole = node->second.interval;
  return whole.end == report.interval.end ? whole.start : report.interval.start;
}

std::optional<std::string> Watch::missed(const std::string& node_name, std::uint64_t interface_id,
                                         TimePoint time) const {
  const auto entry = nodes_.find(node_name);
  if (entry == nodes_.end()) return "its node never reported";
  const Node& node = entry->second;
  for (const Gap& gap : node.gaps) {
    const bool before = gap.interval.start <= time + kSameMoment;
    if (before && gap.interval.end + kMissedFor >= time) return gap.reason;
  }
  if (interface_id <= node.first_interfaces_max && time - node.watched_since < kMissedFor) {
    return "the pod was watched for less than an hour before";
  }
  return std::nullopt;
}

}  // namespace outflow::names
