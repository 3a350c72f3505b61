#include "tests/bench/datapath/table.h"

#include <cmath>
#include <cstdio>

#include <fmt/format.h>

namespace outflow::bench {
namespace {

constexpr const char* kLine = "{:<46} {:>7} {:>7} {:>8} {:>7}   {:<19} {:<8} {}\n";

std::string cell(std::optional<double> value) {
  return value ? fmt::format("{:.1f}", *value) : "";
}

// Two decimals for ratios, three for small ones, none for counts.
std::string figures(double value) {
  if (value >= 100 || value == std::floor(value)) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}f}", value, std::abs(value) < 0.1 ? 3 : 2);
}

}  // namespace

void Table::begin(std::string_view title) const {
  fmt::print("\n{}\n", title);
  fmt::print(kLine, "case", "null", "floor", "exporter", "ours", "comes to", "goal", "");
  std::fflush(stdout);
}

void Table::row(std::string_view name, const Score& score, const Costs& costs) {
  const bool met = !score.goal || score.value <= *score.goal;
  ++rows_;
  if (!met && enforced_) ++missed_;
  std::string verdict;
  if (score.goal && enforced_) verdict = met ? "ok" : "MISSED";
  fmt::print(kLine, name, cell(costs.null), cell(costs.floor), cell(costs.exporter),
             cell(costs.ours), figures(score.value) + " " + score.unit,
             score.goal ? fmt::format("<= {:g}", *score.goal) : "", verdict);
  std::fflush(stdout);
}

void Table::skip(std::string_view name, std::string_view why) {
  ++skipped_;
  fmt::print("{:<46} skipped: {}\n", name, why);
  std::fflush(stdout);
}

void Table::note(std::string_view text) const {
  fmt::print("  {}\n", text);
  std::fflush(stdout);
}

}  // namespace outflow::bench
