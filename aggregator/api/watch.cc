#include "aggregator/api/watch.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "aggregator/analysis/analyse.h"
#include "common/text.h"

namespace outflow::api {
namespace {

constexpr nanoseconds kDay = std::chrono::hours(24);
constexpr auto kOneDay = std::chrono::days(1);
using Days = std::map<Day, const store::NodeDay*>;

std::uint64_t losses_of(const store::NodeDay& day) {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : day.losses) sum += count;
  return sum;
}

// How much of a day an agent that was there all the time would have covered by now.
nanoseconds expected_of(Day day, TimePoint last_report, TimePoint now) {
  if (TimePoint(day + kOneDay) <= now) return kDay;
  return std::max(nanoseconds(0), last_report - TimePoint(day));
}

// The days a node that is still there should have covered and did not. A node that left the
// inventory is not missed after its last day.
std::vector<Day> gaps_of(const Days& days, const NodeWatch& watch, Interval window) {
  std::vector<Day> gaps;
  if (days.empty()) return gaps;
  const Day last = watch.in_inventory ? day_of(window.end) : days.rbegin()->first;
  for (Day day = std::max(days.begin()->first + kOneDay, day_of(window.start)); day <= last;
       day += kOneDay) {
    const auto found = days.find(day);
    const nanoseconds covered = found == days.end() ? nanoseconds(0) : found->second->covered;
    if (covered + analysis::kGapMax < expected_of(day, watch.last_report, window.end))
      gaps.push_back(day);
  }
  return gaps;
}

std::string trouble_of(const Days& days, const NodeWatch& watch, Interval window) {
  std::string text;
  const auto say = [&text](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  std::uint64_t lost = 0;
  for (const auto& [day, node_day] : days) {
    if (day >= day_of(window.start)) lost += losses_of(*node_day);
  }
  if (lost > 0) say(fmt::format("lost data {} times", lost));
  const auto gaps = gaps_of(days, watch, window);
  if (gaps.size() == 1) say("did not report all of " + to_text(gaps.front()));
  if (gaps.size() > 1) {
    say(fmt::format("did not report all of {} days ({} .. {})", gaps.size(), to_text(gaps.front()),
                    to_text(gaps.back())));
  }
  if (watch.late && watch.in_inventory) say("has not reported since " + to_text(watch.last_report));
  return text;
}

}  // namespace

NodeWatches watch_nodes(const WatchInput& input, const inventory::Snapshot& snapshot) {
  std::map<std::string, Days> days;
  NodeWatches watches;
  for (const auto& node : snapshot.model().nodes) watches[node.name].in_inventory = true;
  for (const auto& node_day : input.node_days) {
    days[node_day.node][node_day.day] = &node_day;
    if (node_day.day >= day_of(input.window.start)) watches[node_day.node].reported = true;
  }
  for (const auto& mark : input.marks) {
    const auto found = watches.find(mark.node);
    if (found == watches.end()) continue;  // its last report is older than the window
    found->second.last_report = mark.last_end;
    found->second.late = mark.last_end + kLateAfter < input.window.end;
  }
  for (auto& [name, watch] : watches) {
    if (watch.reported) watch.trouble = trouble_of(days[name], watch, input.window);
  }
  return watches;
}

}  // namespace outflow::api
