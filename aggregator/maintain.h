// `outflow-aggregator restore` and `upgrade`: the store's maintenance with the words of a log.
#pragma once

#include "aggregator/config.h"
#include "common/result.h"

namespace outflow {

// config.task is Restore or Upgrade (assert).
[[nodiscard]] Result<void> maintain(const AggregatorConfig& config);

}  // namespace outflow
