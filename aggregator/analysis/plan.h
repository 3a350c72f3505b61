// In which order to enforce: a pilot, waves, and what waits or never goes. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "aggregator/analysis/tier.h"

namespace outflow::analysis {

inline constexpr std::uint32_t kMaxPerDay = 5;

struct PlanRow {
  std::string wave;  // "pilot", "1", "2" ..., "hold", "never-static"
  std::string namespace_name;
  std::optional<Tier> tier;  // none without evidence
  std::string reason;
  Horizon horizon;
};

// Pilot: the simplest namespace of tier A or B that has evidence enough and something to allow.
// Then the others with days enough in waves of at most `max_per_day` (0 = kMaxPerDay), by
// (tier, needs, name), those that sent nothing first. Under the horizon: "hold". Tier D:
// "never-static", whatever the horizon. Every finding gets exactly one row, in the order pilot,
// waves, hold, never-static.
[[nodiscard]] std::vector<PlanRow> plan(std::span<const Finding> findings, Preset preset,
                                        std::uint32_t max_per_day);

}  // namespace outflow::analysis
