// What agents and logs said -> what the store keeps, as one snapshot of the inventory knows it.
// Pure.
#pragma once

#include "aggregator/ingest/calico_log.h"
#include "aggregator/inventory/snapshot.h"
#include "aggregator/store/store.h"

namespace outflow {

// A flow that spans midnight belongs to the day it was last seen on: agents report every few
// seconds.
[[nodiscard]] store::Addition to_addition(const Report& report,
                                          const inventory::Snapshot& snapshot);

[[nodiscard]] store::Store::LogLine to_log_line(const ingest::LogFlow& flow,
                                                const inventory::Snapshot& snapshot);

// Gives source and peer of a record again, where they were strangers. True when one of them
// changed.
[[nodiscard]] bool judge_again(store::History& history, const inventory::Snapshot& snapshot);

}  // namespace outflow
