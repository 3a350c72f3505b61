#include <malloc.h>

#include <cstdio>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/self_test.h"
#include "common/log.h"
#include "common/redact.h"
#include "common/stop.h"
#include "proto/grpc_log.h"

int main(int argc, char** argv) {
  using namespace outflow;
  const auto read = agent::read_config(argc, argv);
  if (const auto* end = std::get_if<agent::Exit>(&read)) {
    std::fputs(end->text.c_str(), end->code == 0 ? stdout : stderr);
    return end->code;
  }
  const agent::Config& config = *std::get_if<agent::Config>(&read);
  log::set_redact_external(config.redact_external);
  if (auto set = log::set_level(config.log_level); !set) {
    log::error("cannot start", {{"error", set.error().what}});
    return 2;
  }
  if (config.self_test) {
    if (auto tested = agent::self_test(); !tested) {
      log::error("the self-test failed", {{"error", tested.error().what}});
      return 1;
    }
    log::info("the self-test passed: a made packet was recorded");
    return 0;
  }
  if (config.uninstall) {
    if (auto removed = agent::uninstall(config); !removed) {
      log::error("cannot uninstall", {{"error", removed.error().what}});
      return 1;
    }
    log::info("uninstalled: no hook, pin or state is left");
    return 0;
  }
  // A report of a full table takes and gives back tens of megabytes; above this size they are the
  // kernel's again at once, instead of the heap's for good (mallopt(3): also ends its growing).
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);  // NOLINT(concurrency-mt-unsafe): one thread yet
  take_grpc_log();
  const StopSignals signals;
  auto running = agent::Agent::start(config);
  if (!running) {
    log::error("cannot start", {{"error", running.error().what}});
    return 1;
  }
  signals.wait();
  log::info("stopping, hooks and tables stay");
  running->reset();
  return 0;
}
