// What `outflow-aggregator write-sets` shows at /metrics.
#pragma once

#include <string>

#include <prometheus/registry.h>

#include "aggregator/apply/round.h"

namespace outflow::apply {

class Meters {
 public:
  explicit Meters(prometheus::Registry& registry);

  void renew(const Counts& counts, const Standing& standing);

 private:
  prometheus::Family<prometheus::Counter>& written_;
  prometheus::Family<prometheus::Counter>& refused_;
  prometheus::Family<prometheus::Counter>& errors_;
  prometheus::Family<prometheus::Gauge>& sets_;
  prometheus::Family<prometheus::Gauge>& kept_;
  prometheus::Family<prometheus::Gauge>& last_success_;
};

}  // namespace outflow::apply
