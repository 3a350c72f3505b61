// The agent's Prometheus metrics, renewed from what it counts.
#pragma once

#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "agent/delta.h"
#include "agent/dns_names.h"
#include "agent/said_names.h"
#include "agent/uplink.h"

namespace outflow::agent {

class Meters {
 public:
  explicit Meters(prometheus::Registry& registry);

  struct Reading {
    const Cumulative& tables;
    Uplink::Counts uplink;
    std::size_t hooked = 0;
    std::uint64_t repaired = 0;
    std::uint64_t failed = 0;
    std::uint64_t evicted = 0;
    NameCounts names{};
    SaidCounts said{};
    TimePoint certificate_end{};  // of our own; epoch: none
  };
  void renew(const Reading& reading);
  // From the arrival of an interface's event to its hooks being on.
  void hooked_after(nanoseconds latency);

 private:
  prometheus::Family<prometheus::Counter>& packets_;
  prometheus::Family<prometheus::Counter>& losses_;
  prometheus::Family<prometheus::Gauge>& tuples_;
  prometheus::Family<prometheus::Counter>& evicted_;
  prometheus::Family<prometheus::Counter>& dns_;
  prometheus::Family<prometheus::Counter>& messages_;
  prometheus::Family<prometheus::Counter>& said_;
  prometheus::Family<prometheus::Gauge>& hooked_;
  prometheus::Family<prometheus::Counter>& hooks_;
  prometheus::Histogram& hook_seconds_;
  prometheus::Family<prometheus::Counter>& batches_;
  prometheus::Family<prometheus::Gauge>& last_ack_;
  prometheus::Family<prometheus::Gauge>& certificate_expiry_;
};

}  // namespace outflow::agent
