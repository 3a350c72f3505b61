// The cluster's API server, when the aggregator is told of one: it tells the live inventory, and is
// asked who a token is and what he may see.
#pragma once

#include <memory>

#include "aggregator/config.h"
#include "aggregator/kube/access.h"
#include "aggregator/kube/client.h"
#include "aggregator/pipeline.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow {

// The way to the API server that the configuration names: it must name one. Errors name the flag.
[[nodiscard]] Result<std::unique_ptr<kube::Access>> open_access(const AggregatorConfig& config);

class ApiServer {
 public:
  // Null when the configuration names none. `clock` outlives it.
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> open(const AggregatorConfig& config,
                                                               const Clock& clock);

  // For Pipeline::start(); this object outlives the pipeline.
  [[nodiscard]] Outside outside();

 private:
  ApiServer(std::unique_ptr<kube::Access> access, const Clock& clock)
      : access_(std::move(access)), poster_(*access_), clock_(clock) {}

  const std::unique_ptr<kube::Access> access_;
  kube::Poster poster_;
  const Clock& clock_;
};

}  // namespace outflow
