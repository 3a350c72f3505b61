// The aggregator's Prometheus metrics, renewed from what the rooms count. One thread renews.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <prometheus/registry.h>

#include "aggregator/feeds/state.h"
#include "aggregator/ingest/report_service.h"
#include "aggregator/inventory/current.h"
#include "aggregator/inventory/live_cluster.h"
#include "aggregator/keeper.h"
#include "aggregator/namer.h"
#include "aggregator/store/store.h"

namespace outflow {

class Meters {
 public:
  explicit Meters(prometheus::Registry& registry);

  void renew(const Keeper& keeper, const ingest::IngestCounters& counters);
  void renew(const inventory::View& inventory, TimePoint now);
  // The end of our certificate's validity; the epoch shows nothing.
  void renew_certificate(TimePoint not_after);
  void renew(const inventory::LiveCluster::Counts& counts);
  void renew(const feeds::FeedsState& feeds, TimePoint now);
  void renew(const Namer& namer);
  void renew(const store::Store& store, TimePoint now);  // reads records: not for every second

 private:
  prometheus::Family<prometheus::Counter>& batches_;
  prometheus::Family<prometheus::Counter>& flows_;
  prometheus::Family<prometheus::Counter>& judged_again_;
  prometheus::Family<prometheus::Counter>& expired_;
  prometheus::Family<prometheus::Gauge>& certificate_expiry_;
  prometheus::Family<prometheus::Gauge>& streams_;
  prometheus::Family<prometheus::Gauge>& records_;
  prometheus::Family<prometheus::Gauge>& agents_;
  prometheus::Family<prometheus::Gauge>& losses_;
  prometheus::Family<prometheus::Gauge>& name_losses_;
  prometheus::Family<prometheus::Gauge>& inventory_age_;
  prometheus::Family<prometheus::Gauge>& inventory_stale_;
  prometheus::Family<prometheus::Gauge>& held_;
  prometheus::Family<prometheus::Counter>& waits_;
  prometheus::Family<prometheus::Gauge>& gone_;
  prometheus::Family<prometheus::Counter>& gone_cut_;
  prometheus::Family<prometheus::Counter>& contradictions_;
  prometheus::Family<prometheus::Gauge>& names_;
  prometheus::Family<prometheus::Counter>& name_answers_;
  prometheus::Family<prometheus::Counter>& names_forgotten_;
  prometheus::Family<prometheus::Counter>& named_flows_;
  prometheus::Family<prometheus::Gauge>& feed_prefixes_;
  prometheus::Family<prometheus::Gauge>& feed_age_;
  prometheus::Family<prometheus::Gauge>& feed_bad_;
  prometheus::Family<prometheus::Gauge>& feed_refused_;
  prometheus::Family<prometheus::Gauge>& feed_manifest_bad_;
  prometheus::Family<prometheus::Counter>& feed_failures_;
  // A reason once shown goes back to 0 at midnight.
  std::map<std::string, std::uint64_t> losses_shown_;
  std::map<std::string, std::uint64_t> name_losses_shown_;
};

}  // namespace outflow
