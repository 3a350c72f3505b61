// One interval's rows -> reports that fit on the wire. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "common/flow.h"

namespace outflow::agent {

struct Rows {
  std::vector<NameAnswer> answers = {};
  std::vector<SaidName> said = {};
  std::vector<Flow> flows = {};
};

// At least one report, even of an interval in which nothing happened. `head` gives node, boot,
// interval, counters and whether names were read; all interfaces are in the first while they fit,
// and every one a row names is in that row's report. Names stand in the flows' report or in one
// before it. Later reports begin where the interval ended. Sequences are the caller's.
[[nodiscard]] std::vector<Report> split_report(
    Report head, Rows rows, const std::map<std::uint32_t, Interface>& interfaces);

}  // namespace outflow::agent
