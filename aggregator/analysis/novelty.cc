#include "aggregator/analysis/novelty.h"

#include <algorithm>
#include <optional>

#include <fmt/ranges.h>

namespace outflow::analysis {
namespace {

std::optional<Change> change_of(const Need& need, Interval span) {
  if (need.stats.first_seen >= span.start) return Change::New;
  const TimePoint before = span.start - (span.end - span.start);
  if (need.stats.last_seen < span.start && need.stats.last_seen >= before) return Change::Gone;
  return std::nullopt;
}

}  // namespace

std::string_view to_text(Change change) {
  return change == Change::New ? "new" : "gone";
}

std::vector<NoveltyRow> novelty(std::span<const Finding> findings, Interval span) {
  std::vector<NoveltyRow> rows;
  for (const Finding& finding : findings) {
    for (const Need& need : finding.needs) {
      const std::optional<Change> change = change_of(need, span);
      if (change) rows.push_back({finding.namespace_name, *change, need});
    }
  }
  // Needs come in the order of a finding, which stands within a namespace and a change.
  std::stable_sort(rows.begin(), rows.end(), [](const NoveltyRow& a, const NoveltyRow& b) {
    return std::tie(a.namespace_name, a.change) < std::tie(b.namespace_name, b.change);
  });
  return rows;
}

std::string workloads_text(const Need& need) {
  return fmt::format("{}", fmt::join(need.workloads, ", "));
}

}  // namespace outflow::analysis
