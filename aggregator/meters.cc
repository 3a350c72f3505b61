#include "aggregator/meters.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "common/telemetry.h"

namespace outflow {
namespace {

prometheus::Family<prometheus::Counter>& counter(prometheus::Registry& registry,
                                                 const std::string& name, const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
prometheus::Family<prometheus::Gauge>& gauge(prometheus::Registry& registry,
                                             const std::string& name, const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

void show(const std::map<std::string, std::uint64_t>& sums,
          prometheus::Family<prometheus::Gauge>& family) {
  for (const auto& [reason, sum] : sums) {
    family.Add({{"reason", reason}}).Set(static_cast<double>(sum));
  }
}

}  // namespace

Meters::Meters(prometheus::Registry& registry)
    : batches_(counter(registry, "outflow_batches_total", "Batches by what became of them")),
      flows_(counter(registry, "outflow_flows_merged_total", "Flow deltas of merged batches")),
      judged_again_(counter(registry, "outflow_records_judged_again_total",
                            "Records whose unknown end became known later")),
      expired_(counter(registry, "outflow_records_expired_total",
                       "Records deleted, older than the retention")),
      certificate_expiry_(gauge(registry, "outflow_tls_certificate_expiry_seconds",
                                "Unix time at which our TLS certificate ends")),
      streams_(gauge(registry, "outflow_agent_streams", "Agent streams open now")),
      records_(
          gauge(registry, "outflow_store_records", "Records kept: raw tuple x day, estimated")),
      agents_(gauge(registry, "outflow_agents", "Nodes that ever reported")),
      losses_(gauge(registry, "outflow_losses_today", "Losses agents reported today, by reason")),
      name_losses_(gauge(registry, "outflow_name_losses_today",
                         "What may have cost a name today, and no flow, by reason")),
      inventory_age_(
          gauge(registry, "outflow_inventory_age_seconds", "Age of the inventory in use")),
      inventory_stale_(
          gauge(registry, "outflow_inventory_stale", "1 when a newer inventory was not taken")),
      held_(gauge(registry, "outflow_batches_held",
                  "Batches that wait now for an inventory that names everybody in them")),
      waits_(counter(registry, "outflow_batch_waits_total",
                     "Batches the inventory did not know all of at once, by what came of it")),
      gone_(gauge(registry, "outflow_inventory_gone_owners",
                  "Owners of addresses that are gone and still known")),
      gone_cut_(counter(registry, "outflow_inventory_gone_owners_cut_total",
                        "Owners of addresses forgotten early, because there were too many")),
      contradictions_(counter(registry, "outflow_inventory_contradictions_total",
                              "Events about lives that were over already")),
      names_(gauge(registry, "outflow_names", "What is known of names now, by kind of thing")),
      name_answers_(counter(registry, "outflow_name_answers_total",
                            "DNS answers: messages that told a name, addresses of the cluster that "
                            "need none, and those of a clock more than a day ahead")),
      names_forgotten_(counter(registry, "outflow_names_forgotten_total",
                               "What was dropped before its time, for want of room")),
      named_flows_(counter(registry, "outflow_flows_by_naming_total",
                           "Flow deltas to strangers, by what is known of their name")),
      feed_prefixes_(gauge(registry, "outflow_feed_prefixes", "Prefixes of a feed in use")),
      feed_age_(gauge(registry, "outflow_feed_age_seconds",
                      "Since a feed's source was good: fetched, or its file written")),
      feed_bad_(gauge(registry, "outflow_feed_quarantined",
                      "1 when a feed shrank or grew too much and waits to be accepted")),
      feed_refused_(gauge(registry, "outflow_feed_rows_refused",
                          "Rows of a feed as read last that a rule refused, by reason")),
      feed_manifest_bad_(gauge(registry, "outflow_feed_manifest_stale",
                               "1 when a newer manifest of feeds was not taken")),
      feed_failures_(counter(registry, "outflow_feed_failures_total",
                             "Readings of a feed that were not taken")) {}

void Meters::renew(const feeds::FeedsState& feeds, TimePoint now) {
  feed_manifest_bad_.Add({}).Set(feeds.error.empty() ? 0 : 1);
  for (const feeds::FeedState& feed : feeds.feeds) {
    const prometheus::Labels labels{{"feed", feed.name}};
    feed_prefixes_.Add(labels).Set(static_cast<double>(feed.prefixes));
    feed_bad_.Add(labels).Set(feed.health == feeds::Health::Quarantined ? 1 : 0);
    raise_to(feed_failures_.Add(labels), static_cast<double>(feed.failures));
    for (const auto& [refusal, refused] : feed.refused) {
      feed_refused_.Add({{"feed", feed.name}, {"reason", std::string(to_text(refusal))}})
          .Set(static_cast<double>(refused.count));
    }
    if (feed.as_of == TimePoint()) continue;
    const std::chrono::duration<double> age = now - feed.as_of;
    feed_age_.Add(labels).Set(age.count());
  }
}

void Meters::renew(const Namer& namer) {
  const names::Counts counts = namer.counts();
  names_.Add({{"of", "intervals"}}).Set(static_cast<double>(counts.intervals));
  names_.Add({{"of", "texts"}}).Set(static_cast<double>(counts.names));
  names_.Add({{"of", "tuples"}}).Set(static_cast<double>(counts.tuples));
  raise_to(name_answers_.Add({{"outcome", "taken"}}), static_cast<double>(counts.answers));
  raise_to(name_answers_.Add({{"outcome", "cluster"}}),
           static_cast<double>(namer.cluster_answers()));
  raise_to(name_answers_.Add({{"outcome", "ahead"}}), static_cast<double>(namer.answers_ahead()));
  raise_to(names_forgotten_.Add({{"of", "intervals"}}), static_cast<double>(counts.forgotten));
  raise_to(names_forgotten_.Add({{"of", "tuples"}}), static_cast<double>(counts.not_kept));
  for (const auto& [naming, flows] : counts.flows) {
    raise_to(named_flows_.Add({{"naming", std::string(to_text(naming))}}),
             static_cast<double>(flows));
  }
}

void Meters::renew(const inventory::LiveCluster::Counts& counts) {
  gone_.Add({}).Set(static_cast<double>(counts.gone));
  raise_to(gone_cut_.Add({}), static_cast<double>(counts.cut));
  raise_to(contradictions_.Add({}), static_cast<double>(counts.contradictions));
}

void Meters::renew(const Keeper& keeper, const ingest::IngestCounters& counters) {
  raise_to(batches_.Add({{"outcome", "merged"}}), static_cast<double>(counters.merged));
  raise_to(batches_.Add({{"outcome", "repeated"}}), static_cast<double>(counters.repeated));
  raise_to(batches_.Add({{"outcome", "failed"}}), static_cast<double>(counters.failed));
  for (const auto& [field, count] : counters.refused()) {
    raise_to(batches_.Add({{"outcome", "refused"}, {"field", field}}), static_cast<double>(count));
  }
  raise_to(flows_.Add({}), static_cast<double>(counters.flows));
  streams_.Add({}).Set(static_cast<double>(counters.streams));
  held_.Add({}).Set(static_cast<double>(counters.held));
  raise_to(waits_.Add({{"outcome", "known"}}), static_cast<double>(counters.waited));
  raise_to(waits_.Add({{"outcome", "unknown"}}), static_cast<double>(counters.waited_in_vain));
  raise_to(waits_.Add({{"outcome", "not_held"}}), static_cast<double>(counters.not_held));
  raise_to(judged_again_.Add({}), static_cast<double>(keeper.judged_again()));
  raise_to(expired_.Add({}), static_cast<double>(keeper.expired()));
}

void Meters::renew(const inventory::View& inventory, TimePoint now) {
  const auto age = std::chrono::duration<double>(now - inventory.as_of);
  const bool read = inventory.snapshot->as_of() != TimePoint();
  if (read) inventory_age_.Add({}).Set(age.count());
  inventory_stale_.Add({}).Set(inventory.stale ? 1 : 0);
}

void Meters::renew_certificate(TimePoint not_after) {
  if (not_after == TimePoint()) return;
  const auto since_epoch = std::chrono::duration<double>(not_after.time_since_epoch());
  certificate_expiry_.Add({}).Set(since_epoch.count());
}

void Meters::renew(const store::Store& store, TimePoint now) {
  records_.Add({}).Set(static_cast<double>(store.records_estimate()));
  if (const auto marks = store.marks()) agents_.Add({}).Set(static_cast<double>(marks->size()));
  const auto days = store.node_days(day_of(now), day_of(now));
  if (!days) return;
  for (auto& [reason, sum] : losses_shown_) sum = 0;
  for (auto& [reason, sum] : name_losses_shown_) sum = 0;
  for (const store::NodeDay& day : *days) {
    for (const auto& [reason, count] : day.losses) losses_shown_[reason] += count;
    day.add_name_losses(name_losses_shown_);
  }
  show(losses_shown_, losses_);
  show(name_losses_shown_, name_losses_);
}

}  // namespace outflow
