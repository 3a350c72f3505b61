#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/analysis/analyse.h"
#include "common/text.h"

namespace outflow::analysis {
namespace {

using Days = std::map<Day, const store::NodeDay*>;
using NodeDays = std::map<std::string, Days>;
constexpr nanoseconds kDay = std::chrono::hours(24);

// Where the namespace ran on a day, and where of that it was hooked.
struct Whereabouts {
  std::set<std::string> hooked;
  std::set<std::string> nodes;
};

// Finished pods and those on the host's network have no interface to watch. Start times tell which
// days a pod of today can speak for.
Whereabouts whereabouts(Day day, const std::vector<inventory::PodPtr>& pods,
                        std::span<const store::Presence> presences,
                        const std::string& namespace_name) {
  Whereabouts result;
  for (const store::Presence& presence : presences) {
    if (presence.day == day && presence.namespace_name == namespace_name) {
      result.hooked.insert(presence.node);
    }
  }
  result.nodes = result.hooked;
  for (const inventory::PodPtr& pod : pods) {
    const bool runs = pod->phase == "Running" && !pod->host_network && !pod->node.empty();
    if (runs && day_of(pod->started) <= day) result.nodes.insert(pod->node);
  }
  return result;
}

std::string losses_text(const store::NodeDay& node_day) {
  std::vector<std::string> parts;
  for (const auto& [reason, count] : node_day.losses) {
    if (count > 0) parts.push_back(fmt::format("{} {}", reason, count));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

struct DayVerdict {
  bool incomplete = false;       // lost or missed something
  std::vector<std::string> why;  // empty: the day counts
};

// A node from where no agent ever reported is missing one. Before the first report of one that has
// an agent nothing could be missed: that is no gap, and neither is the part of its first day.
void judge_node(const std::string& node, Day day, bool over, const Days& days,
                DayVerdict& verdict) {
  const auto found = days.find(day);
  const nanoseconds covered = found == days.end() ? nanoseconds(0) : found->second->covered;
  if (over && covered < kDay - kGapMax) {
    const bool before = !days.empty() && day < days.begin()->first;
    const bool first = !days.empty() && day == days.begin()->first;
    verdict.incomplete = verdict.incomplete || !(before || first);
    verdict.why.push_back(fmt::format("node {} {}", node,
                                      before  ? "was not watched yet"
                                      : first ? "was watched for part of its first day"
                                      : covered.count() == 0 ? "did not report"
                                                             : "did not report the whole day"));
  }
  if (found == days.end()) return;
  const std::string losses = losses_text(*found->second);
  if (losses.empty()) return;
  verdict.incomplete = true;
  verdict.why.push_back(fmt::format("node {} lost data ({})", node, losses));
}

DayVerdict judge_day(Day day, bool over, const Whereabouts& where, const NodeDays& node_days) {
  static const Days kNone;
  DayVerdict verdict;
  for (const std::string& node : where.nodes) {
    const auto days = node_days.find(node);
    judge_node(node, day, over, days == node_days.end() ? kNone : days->second, verdict);
  }
  if (!over) {
    verdict.why.emplace_back("still running");
  } else if (where.nodes.empty()) {
    verdict.why.emplace_back("no pod was watched");
  } else if (where.hooked.empty() && verdict.why.empty()) {
    verdict.why.emplace_back("pods ran, but none was watched");
  }
  return verdict;
}

std::string days_text(const std::vector<Day>& days) {
  if (days.size() == 1) return fmt::format("1 day ({})", to_text(days.front()));
  return fmt::format("{} days ({} .. {})", days.size(), to_text(days.front()),
                     to_text(days.back()));
}

std::vector<std::string> worst_first(const std::map<std::string, std::vector<Day>>& by_reason) {
  std::vector<std::pair<std::string, std::vector<Day>>> sorted(by_reason.begin(), by_reason.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  std::vector<std::string> reasons;
  reasons.reserve(sorted.size());
  for (const auto& [reason, days] : sorted) {
    reasons.push_back(fmt::format("{}: {}", days_text(days), reason));
  }
  return reasons;
}

}  // namespace

Horizon horizon_of(const std::string& namespace_name, const Watched& watched,
                   const inventory::Snapshot& snapshot, Interval window) {
  NodeDays node_days;
  for (const store::NodeDay& node_day : watched.node_days) {
    node_days[node_day.node][node_day.day] = &node_day;
  }
  const std::vector<inventory::PodPtr> pods = snapshot.pods_of(namespace_name);
  Horizon horizon;
  std::map<std::string, std::vector<Day>> by_reason;
  for (Day day = day_of(window.start); TimePoint(day) < window.end; day += std::chrono::days(1)) {
    const bool over = TimePoint(day + std::chrono::days(1)) <= window.end;
    const DayVerdict verdict =
        judge_day(day, over, whereabouts(day, pods, watched.presences, namespace_name), node_days);
    horizon.incomplete = horizon.incomplete || verdict.incomplete;
    if (verdict.why.empty()) ++horizon.valid_days;
    for (const std::string& reason : verdict.why) by_reason[reason].push_back(day);
  }
  horizon.reasons = worst_first(by_reason);
  return horizon;
}

}  // namespace outflow::analysis
