#include "agent/meters.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include "common/telemetry.h"

namespace outflow::agent {
namespace {

prometheus::Family<prometheus::Counter>& counter(prometheus::Registry& registry, const char* name,
                                                 const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
prometheus::Family<prometheus::Gauge>& gauge(prometheus::Registry& registry, const char* name,
                                             const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

void raise(prometheus::Family<prometheus::Counter>& family, const prometheus::Labels& labels,
           std::uint64_t value) {
  raise_to(family.Add(labels), static_cast<double>(value));
}

}  // namespace

Meters::Meters(prometheus::Registry& registry)
    : packets_(
          counter(registry, "outflow_packets_total", "Packets at the pods' egress, by outcome")),
      losses_(counter(registry, "outflow_losses_total",
                      "Packets whose tuple may be missing, by reason")),
      tuples_(gauge(registry, "outflow_tuples", "Rows in the kernel's tables")),
      evicted_(counter(registry, "outflow_tuples_evicted_total",
                       "Idle tuples, handed on, that made room for others")),
      dns_(counter(registry, "outflow_dns_answers_total",
                   "Packets with DNS answers to pods, by outcome")),
      messages_(counter(registry, "outflow_dns_messages_total",
                        "DNS messages read from them, and what they said, by outcome")),
      said_(counter(registry, "outflow_said_total",
                    "Beginnings of pods' connections, and what they said, by outcome")),
      hooked_(gauge(registry, "outflow_hooked_interfaces", "Interfaces hooked now")),
      hooks_(counter(registry, "outflow_hooks_total", "Hooks put back or failed")),
      hook_seconds_(
          prometheus::BuildHistogram()
              .Name("outflow_hook_seconds")
              .Help("From the arrival of an interface's event to its hooks being on")
              .Register(registry)
              .Add({}, prometheus::Histogram::BucketBoundaries{0.001, 0.002, 0.005, 0.01, 0.02,
                                                               0.05, 0.1, 0.2, 0.5, 1, 5})),
      batches_(counter(registry, "outflow_batches_total", "Batches by what became of them")),
      last_ack_(gauge(registry, "outflow_last_acknowledged_seconds",
                      "Unix time of the last acknowledgement; 0 before the first")),
      certificate_expiry_(gauge(registry, "outflow_tls_certificate_expiry_seconds",
                                "Unix time at which our TLS certificate ends")) {}

void Meters::hooked_after(nanoseconds latency) {
  hook_seconds_.Observe(std::chrono::duration<double>(latency).count());
}

void Meters::renew(const Reading& reading) {
  for (std::size_t i = 0; i < COUNT_MAX; ++i) {
    auto& family = is_loss(i) ? losses_ : packets_;
    raise(family, {{is_loss(i) ? "reason" : "outcome", count_names()[i]}},
          reading.tables.counts[i]);
  }
  tuples_.Add({{"table", "flows"}}).Set(static_cast<double>(reading.tables.tuples.size()));
  tuples_.Add({{"table", "other_sources"}})
      .Set(static_cast<double>(reading.tables.other_sources.size()));
  for (std::size_t i = 0; i < DNS_COUNT_MAX; ++i) {
    raise(dns_, {{"outcome", dns_count_names()[i]}}, reading.tables.dns_counts[i]);
  }
  for (std::size_t i = 0; i < kNameCounts; ++i) {
    raise(messages_, {{"outcome", name_count_names()[i]}}, reading.names[i]);
  }
  for (std::size_t i = 0; i < SAID_COUNT_MAX; ++i) {
    raise(said_, {{"outcome", said_count_names()[i]}}, reading.tables.said_counts[i]);
  }
  for (std::size_t i = 0; i < kSaidCounts; ++i) {
    raise(said_, {{"outcome", said_names_count_names()[i]}}, reading.said[i]);
  }
  raise(evicted_, {}, reading.evicted);
  hooked_.Add({}).Set(static_cast<double>(reading.hooked));
  raise(hooks_, {{"event", "repaired"}}, reading.repaired);
  raise(hooks_, {{"event", "failed"}}, reading.failed);
  raise(batches_, {{"event", "sent"}}, reading.uplink.sent);
  raise(batches_, {{"event", "acknowledged"}}, reading.uplink.acknowledged);
  raise(batches_, {{"event", "refused"}}, reading.uplink.refused);
  raise(batches_, {{"event", "reconnected"}}, reading.uplink.reconnects);
  last_ack_.Add({}).Set(static_cast<double>(unix_ns(reading.uplink.last_acknowledged)) / 1e9);
  if (reading.certificate_end != TimePoint()) {
    certificate_expiry_.Add({}).Set(static_cast<double>(unix_ns(reading.certificate_end)) / 1e9);
  }
}

}  // namespace outflow::agent
