// A Kubernetes label selector: "tier in (3-edge,4-aux),app!=legacy,!canary". Pure values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aggregator/inventory/model.h"
#include "common/result.h"

namespace outflow::inventory {

class LabelSelector {
 public:
  // Matches everything, as the empty text does.
  LabelSelector() = default;

  // Requirements joined by commas, all of which must hold: a=b, a==b, a!=b, a in (x,y),
  // a notin (x,y), a (exists), !a. As in Kubernetes, "a!=b" and "a notin (b)" also match where the
  // label is absent. Errors give the position, counted from 1.
  [[nodiscard]] static Result<LabelSelector> parse(std::string_view text);

  [[nodiscard]] bool matches(const Labels& labels) const;
  [[nodiscard]] bool matches_everything() const { return requirements_.empty(); }
  // A text that parse() reads back as an equal selector.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const LabelSelector&, const LabelSelector&) = default;

 private:
  friend class SelectorParser;
  enum class Operator { Exists, Absent, Equals, NotEquals, In, NotIn };
  struct Requirement {
    std::string key;
    Operator op = Operator::Exists;
    std::vector<std::string> values;
    friend bool operator==(const Requirement&, const Requirement&) = default;
  };
  std::vector<Requirement> requirements_;
};

}  // namespace outflow::inventory
