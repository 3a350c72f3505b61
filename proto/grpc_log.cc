#include "proto/grpc_log.h"

#include <string>

#include <grpc/support/log.h>

#include "common/line_budget.h"
#include "common/log.h"

namespace outflow {
namespace {

void write(gpr_log_func_args* args) {
  static log::LineBudget budget;
  const auto not_shown = budget.spend(std::chrono::steady_clock::now());
  if (!not_shown) return;
  std::string text(args->message);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (args->severity != GPR_LOG_SEVERITY_ERROR) return log::debug("gRPC", {{"says", text}});
  log::warn("gRPC", {{"says", text}, {"not_shown", std::to_string(*not_shown)}});
}

}  // namespace

void take_grpc_log() {
  gpr_set_log_function(write);
}

}  // namespace outflow
