// The one table, printed row by row as it is measured.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace outflow::bench {

// Nanoseconds a packet of the four programs; `null` is whole, the others are above it. Where a
// program has no part in a case, it is empty.
struct Costs {
  std::optional<double> null, floor, exporter, ours;
};

// What a case comes to, and the most it may: "1.21 x floor", "<= 1.3".
struct Score {
  double value = 0;
  std::string unit;            // "x floor", "ns/tuple"
  std::optional<double> goal;  // none: only stated
};

class Table {
 public:
  // With `enforced` false no goal is missed: the numbers of a smoke run mean nothing.
  explicit Table(bool enforced) : enforced_(enforced) {}

  void begin(std::string_view title) const;
  void row(std::string_view name, const Score& score, const Costs& costs = {});
  // A case that cannot be measured here, and why; it misses nothing.
  void skip(std::string_view name, std::string_view why);
  void note(std::string_view text) const;

  [[nodiscard]] int missed() const { return missed_; }
  [[nodiscard]] int skipped() const { return skipped_; }
  [[nodiscard]] int rows() const { return rows_; }

 private:
  bool enforced_;
  int rows_ = 0;
  int missed_ = 0;
  int skipped_ = 0;
};

}  // namespace outflow::bench
