// The destinations namespaces have in common: what a shared allow rule could hold. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "aggregator/analysis/finding.h"

namespace outflow::analysis {

inline constexpr std::uint32_t kBaselinePercent = 80;
inline constexpr std::size_t kMissingMax = 20;

struct BaselineRow {
  attribution::Peer peer;
  std::uint16_t port = 0;
  Protocol protocol{};
  std::uint64_t namespaces = 0;
  double percent = 0;                // of the observed namespaces
  std::vector<std::string> missing;  // observed, but without it: the first kMissingMax by name
};

struct Baseline {
  std::uint64_t observed_namespaces = 0;  // with at least one judged destination
  std::vector<BaselineRow> rows;          // most shared first, then (kind, name, port, protocol)
};

// Destinations (with port) of at least `percent` (0 = kBaselinePercent) of the observed namespaces,
// and of two at least: what one namespace has is not shared. A destination counts when traffic to
// it was proven (one-way included): attempts alone are no need.
[[nodiscard]] Baseline baseline(std::span<const Finding> findings, std::uint32_t percent);

}  // namespace outflow::analysis
