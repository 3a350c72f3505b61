#include "aggregator/apply/meters.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "common/telemetry.h"

namespace outflow::apply {
namespace {

prometheus::Family<prometheus::Counter>& counter(prometheus::Registry& registry,
                                                 const std::string& name, const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
prometheus::Family<prometheus::Gauge>& gauge(prometheus::Registry& registry,
                                             const std::string& name, const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

}  // namespace

Meters::Meters(prometheus::Registry& registry)
    : written_(counter(registry, "outflow_sets_written_total",
                       "Looks at a network set, by what came of them")),
      refused_(counter(registry, "outflow_sets_refused_total",
                       "What was not applied, counted when it began, by reason")),
      errors_(counter(registry, "outflow_sets_errors_total",
                      "Questions without an answer, by who was asked")),
      sets_(gauge(registry, "outflow_sets", "Network sets the aggregator tells, by state")),
      kept_(gauge(registry, "outflow_sets_kept_nets",
                  "Nets in the cluster's sets that are no longer wanted and stay for now")),
      last_success_(gauge(registry, "outflow_sets_last_success_seconds",
                          "Unix time of the last round without an error; 0 before the first")) {}

void Meters::renew(const Counts& counts, const Standing& standing) {
  raise_to(written_.Add({{"outcome", "applied"}}), static_cast<double>(counts.applied));
  raise_to(written_.Add({{"outcome", "created"}}), static_cast<double>(counts.created));
  raise_to(written_.Add({{"outcome", "unchanged"}}), static_cast<double>(counts.unchanged));
  raise_to(written_.Add({{"outcome", "conflict"}}), static_cast<double>(counts.conflicts));
  for (const auto& [reason, count] : counts.refused) {
    raise_to(refused_.Add({{"reason", reason}}), static_cast<double>(count));
  }
  raise_to(errors_.Add({{"asked", "aggregator"}}), static_cast<double>(counts.aggregator_errors));
  raise_to(errors_.Add({{"asked", "api_server"}}), static_cast<double>(counts.api_errors));
  last_success_.Add({}).Set(static_cast<double>(unix_ns(counts.last_success)) / 1e9);
  // After a round that asked in vain the sets stand as they stood.
  if (standing.sets.empty() && !standing.error.empty()) return;
  for (const char* state : {"current", "absent", "conflict", "refused"}) {
    const auto found = standing.sets.find(state);
    const std::size_t sets = found == standing.sets.end() ? 0 : found->second;
    sets_.Add({{"state", state}}).Set(static_cast<double>(sets));
  }
  kept_.Add({}).Set(static_cast<double>(standing.kept_nets));
}

}  // namespace outflow::apply
