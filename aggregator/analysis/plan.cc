#include "aggregator/analysis/plan.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace outflow::analysis {
namespace {

struct Candidate {
  const Finding* finding = nullptr;
  std::optional<Judgement> judgement;

  [[nodiscard]] std::optional<Tier> tier() const {
    return judgement ? std::optional(judgement->tier) : std::nullopt;
  }
  [[nodiscard]] auto order() const {
    return std::make_tuple(tier(), finding->needs.size(), finding->namespace_name);
  }
  [[nodiscard]] PlanRow row(std::string wave, std::string reason) const {
    return {std::move(wave), finding->namespace_name, tier(), std::move(reason), finding->horizon};
  }
};

std::string days_text(const Horizon& horizon) {
  return fmt::format("{} of {} valid days", horizon.valid_days, horizon.wanted_days);
}

std::string simplicity(const Candidate& candidate) {
  if (!candidate.judgement) return why_not_judged(*candidate.finding);
  return fmt::format("tier {} ({}), {} destination{}", to_text(candidate.tier()),
                     candidate.judgement->rule, candidate.finding->needs.size(),
                     candidate.finding->needs.size() == 1 ? "" : "s");
}

std::string hold_reason(const Candidate& candidate) {
  const std::optional<Unseen>& unseen = candidate.finding->unseen;
  // A count of days would say that more of them are enough.
  if (unseen && !unseen->waiting_helps) return why_not_judged(*candidate.finding);
  std::string reason = candidate.judgement ? "" : why_not_judged(*candidate.finding) + "; ";
  reason += days_text(candidate.finding->horizon);
  if (!candidate.finding->horizon.reasons.empty()) {
    reason += fmt::format(" ({})", fmt::join(candidate.finding->horizon.reasons, "; "));
  }
  return reason;
}

// A namespace with nothing to allow would prove nothing about an allowlist.
bool can_pilot(const Candidate& candidate) {
  return candidate.judgement && candidate.judgement->tier <= Tier::B;
}

}  // namespace

std::vector<PlanRow> plan(std::span<const Finding> findings, Preset preset,
                          std::uint32_t max_per_day) {
  const std::uint32_t per_wave = max_per_day == 0 ? kMaxPerDay : max_per_day;
  std::vector<Candidate> candidates;
  for (const Finding& finding : findings) {
    candidates.push_back({&finding, judge(finding, preset)});
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.order() < b.order(); });

  std::vector<PlanRow> rows;
  std::vector<PlanRow> hold;
  std::vector<PlanRow> never;
  bool has_pilot = false;
  std::uint64_t in_waves = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.tier() == Tier::D) {
      never.push_back(candidate.row(
          "never-static", fmt::format("tier D ({}): its destinations are open-ended, no static "
                                      "allowlist will hold them",
                                      candidate.judgement->rule)));
    } else if (!candidate.finding->horizon.enough()) {
      hold.push_back(candidate.row("hold", hold_reason(candidate)));
    } else if (!has_pilot && can_pilot(candidate)) {
      has_pilot = true;
      rows.insert(
          rows.begin(),
          candidate.row("pilot", "the simplest that sends anything, with enough evidence: " +
                                     simplicity(candidate)));
    } else {
      rows.push_back(candidate.row(std::to_string(in_waves / per_wave + 1), simplicity(candidate)));
      ++in_waves;
    }
  }
  rows.insert(rows.end(), hold.begin(), hold.end());
  rows.insert(rows.end(), never.begin(), never.end());
  return rows;
}

}  // namespace outflow::analysis
