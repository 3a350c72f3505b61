// What `outflow-aggregator write-sets` is told. A part of config.h.
#pragma once

#include <string>

#include "aggregator/apply/set.h"
#include "common/clock.h"
#include "common/result.h"
#include "proto/endpoint.h"

namespace CLI {
class App;
}

namespace outflow {

struct AggregatorConfig;

struct WriteSetsConfig {
  DialSettings dial;  // its tls is the configuration's
  std::string token_file;
  nanoseconds interval = std::chrono::seconds(30);
  apply::Settings rounds;
  nanoseconds window{0};        // 0: all that is kept
  unsigned wildcard_names = 0;  // as in v1::SetsRequest: 0 is the aggregator's own choice
  unsigned wildcard_days = 0;
  bool all_namespaces = false;  // then rounds.namespaces is empty
  bool force_conflicts = false;
  bool once = false;
};

// Adds the subcommand; it fills `config.write_sets` and sets `config.task`.
void add_write_sets(CLI::App& app, AggregatorConfig& config);
// What no single flag can tell. `http_given`: --http-listen was; else it is a port of its own.
[[nodiscard]] Result<void> check_write_sets(AggregatorConfig& config, bool http_given);

}  // namespace outflow
