// The day-over-day comparison: what a namespace began to use and what it stopped using. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/analysis/finding.h"

namespace outflow::analysis {

enum class Change : std::uint8_t {
  New,   // first seen since then
  Gone,  // seen in the span of equal length before, not since
};
[[nodiscard]] std::string_view to_text(Change change);  // "new", "gone"

struct NoveltyRow {
  std::string namespace_name;
  Change change = Change::New;
  Need need;  // all its evidence
};

// `span.start` is the "since", `span.end` is now. The findings are made of everything kept, not of
// the span alone: what is new can only be told from what came before. By (namespace, change, kind,
// name, port, protocol).
[[nodiscard]] std::vector<NoveltyRow> novelty(std::span<const Finding> findings, Interval span);

// "Deployment/api, Deployment/web": the column of the answer.
[[nodiscard]] std::string workloads_text(const Need& need);

}  // namespace outflow::analysis
