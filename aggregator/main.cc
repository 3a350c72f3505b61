#include <cstdio>

#include <google/protobuf/stubs/logging.h>

#include "aggregator/api_server.h"
#include "aggregator/config.h"
#include "aggregator/maintain.h"
#include "aggregator/pipeline.h"
#include "aggregator/write_sets.h"
#include "common/log.h"
#include "common/redact.h"
#include "common/stop.h"
#include "proto/grpc_log.h"

int main(int argc, char** argv) {
  using namespace outflow;
  const auto read = read_aggregator_config(argc, argv);
  if (const auto* end = std::get_if<CommandLineEnd>(&read)) {
    std::fputs(end->text.c_str(), end->code == 0 ? stdout : stderr);
    return end->code;
  }
  const AggregatorConfig& config = *std::get_if<AggregatorConfig>(&read);
  log::set_redact_external(config.redact_external);
  if (auto set = log::set_level(config.log_level); !set) {
    log::error("cannot start", {{"error", set.error().what}});
    return 2;
  }
  if (config.task == Task::Restore || config.task == Task::Upgrade) {
    // May be killed at any moment and run again (aggregator/store/maintenance.h).
    if (auto done = maintain(config); !done) {
      log::error("nothing was put in place", {{"error", done.error().what}});
      return 1;
    }
    return 0;
  }
  take_grpc_log();
  const StopSignals signals;
  // Whatever a client sends is refused with a line of ours; protobuf need not add its own.
  google::protobuf::SetLogHandler(nullptr);
  const SystemClock clock;
  if (config.task == Task::WriteSets) return write_sets(config, clock, signals);
  const auto api_server = ApiServer::open(config, clock);
  if (!api_server) {
    log::error("cannot start", {{"error", api_server.error().what}});
    return 1;
  }
  auto pipeline =
      Pipeline::start(config, clock, *api_server ? (*api_server)->outside() : Outside());
  if (!pipeline) {
    log::error("cannot start", {{"error", pipeline.error().what}});
    return 1;
  }
  log::info("serving", {{"listen", config.listen},
                        {"port", std::to_string((*pipeline)->port())},
                        {"version", OUTFLOW_VERSION}});
  signals.wait();
  log::info("stopping");
  pipeline->reset();
  return 0;
}
