// The whole aggregator: the only code that knows that the rooms stand in a line. Runs from start()
// until it is destroyed.
#pragma once

#include <memory>

#include "aggregator/access/ask.h"
#include "aggregator/config.h"
#include "aggregator/live_feed.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow {

// What is not ours and a test may play.
struct Outside {
  access::Ask ask = {};  // reviews of tokens and permissions; empty: nobody is asked
  Feed feed = {};        // tells a live inventory; empty: the inventory is the file of the config
};

class Pipeline {
 public:
  // Opens the store, reads the inventory once, then serves. `clock` outlives the pipeline. With a
  // feed the inventory is a live one, and no file is read.
  [[nodiscard]] static Result<std::unique_ptr<Pipeline>> start(const AggregatorConfig& config,
                                                               const Clock& clock,
                                                               Outside outside = Outside());
  // Ends the streams (agents send again what was not acknowledged), then closes the store.
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  [[nodiscard]] int port() const;       // of gRPC; 0 for a Unix socket
  [[nodiscard]] int http_port() const;  // 0 without

 private:
  struct Rooms;
  explicit Pipeline(std::unique_ptr<Rooms> rooms);
  std::unique_ptr<Rooms> rooms_;
};

}  // namespace outflow
