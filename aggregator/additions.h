// What agents and logs said -> what the store keeps, as one snapshot of the inventory knows it.
// Pure.
#pragma once

#include "aggregator/ingest/calico_log.h"
#include "aggregator/inventory/current.h"
#include "aggregator/inventory/snapshot.h"
#include "aggregator/store/store.h"

namespace outflow {

// A flow that spans midnight belongs to the day it was last seen on: agents report every few
// seconds.
[[nodiscard]] store::Addition to_addition(const Report& report,
                                          const inventory::Snapshot& snapshot);

[[nodiscard]] store::Store::LogLine to_log_line(const ingest::LogFlow& flow,
                                                const inventory::Snapshot& snapshot);

// Whether it is of no use to wait for a newer inventory: everybody in the report can be named, or
// all about its time was told. False when the feed had failed by then, or had not told all yet.
[[nodiscard]] bool knows_all(const Report& report, const inventory::View& view);

// Who is outside of the cluster and has a name is who has the name, the likeliest of several. For
// somebody nobody knows yet the names wait in the record; for somebody of the cluster there are
// none.
void name_peer(store::History& history);

// Gives source and peer of a record again, where they were strangers. True when one of them
// changed.
// Names are as of the time they were told, so a peer with a name keeps it.
[[nodiscard]] bool judge_again(store::History& history, const inventory::Snapshot& snapshot);

}  // namespace outflow
