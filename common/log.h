// One logfmt line on stderr per event: time, level, message, fields. A thin front of spdlog, which
// is included in log.cc alone.
//
// Only code with no caller to return to logs (main, the loops, the services); it logs changes of
// state, not attempts. error: someone must act. warn: degraded and going on, and the line says so.
// info: a state changed. debug: for us.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "common/result.h"

namespace outflow::log {

struct Field {
  std::string_view name;
  std::string value;
};
using Fields = std::initializer_list<Field>;

// "debug", "info", "warn", "error". Called once, in main, before any thread.
[[nodiscard]] Result<void> set_level(std::string_view level);

void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warn(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

}  // namespace outflow::log
