// What both daemons show over HTTP: /metrics (Prometheus text), /healthz and /readyz (200 or 503).
//
// The registry is prometheus-cpp's; probes are answered on the same small pool, so handlers never
// block. Any thread may set readiness.
#pragma once

#include <memory>
#include <string>

#include <prometheus/registry.h>

#include "common/result.h"

namespace outflow {

class Telemetry {
 public:
  // `listen` is "HOST:PORT" ("127.0.0.1:0" picks a port), or "" for no server at all.
  [[nodiscard]] static Result<std::unique_ptr<Telemetry>> start(const std::string& listen);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;

  [[nodiscard]] prometheus::Registry& registry();
  // Until the first call /readyz says 503; `why` is its body when not ready.
  void set_ready(bool ready, const std::string& why);
  [[nodiscard]] int port() const;  // 0 without a server

 private:
  struct Server;
  explicit Telemetry(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

// Adds to a monotone counter up to `value`, which is a cumulative reading from elsewhere.
void raise_to(prometheus::Counter& counter, double value);

}  // namespace outflow
