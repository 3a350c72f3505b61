// `outflow-aggregator write-sets`: keeps the cluster's live sets at what a running aggregator says
// (aggregator/apply), with the rights of whoever runs it and nothing of the aggregator's own.
#pragma once

#include "aggregator/config.h"
#include "common/clock.h"
#include "common/stop.h"

namespace outflow {

// Until a signal comes, or once. The exit code is the CLI's: 0, 2 usage or runtime error, and 5,
// of --once alone, when something was refused or the answer was not complete.
[[nodiscard]] int write_sets(const AggregatorConfig& config, const Clock& clock,
                             const StopSignals& signals);

}  // namespace outflow
