// One interval's flows -> reports that fit on the wire. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "common/flow.h"

namespace outflow::agent {

// At least one report, even of an interval in which nothing happened. `head` gives node, boot,
// interval and counters; all interfaces are in the first while they fit, and every one a flow names
// is in that flow's report. Later reports begin where the interval ended. Sequences are the
// caller's.
[[nodiscard]] std::vector<Report> split_report(
    Report head, std::vector<Flow> flows, const std::map<std::uint32_t, Interface>& interfaces);

}  // namespace outflow::agent
