// What stands around a packet in one line of text: whose clock, when, on which host. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/clock.h"

namespace outflow::ingest {

enum class LogForm : std::uint8_t {
  Message,    // the kernel's message alone: no time
  Kernel,     // seconds since boot
  Syslog,     // month, day and time of day (RFC 3164): no year
  IsoSyslog,  // full time (RFC 3339; RFC 5424 too)
  Trace,      // eBPF trace pipe: seconds since boot
};

struct LogHeader {
  LogForm form = LogForm::Message;
  std::string_view host;                                  // "" when the form has none
  TimePoint time{};                                       // IsoSyslog
  nanoseconds uptime{0};                                  // Kernel, Trace
  std::chrono::month_day date{std::chrono::January / 1};  // Syslog
  nanoseconds time_of_day{0};                             // Syslog
};

// Reads what stands before a packet: `head` is the line up to it. nullopt: neither a header we know
// nor a log prefix alone, so its time must not be guessed.
[[nodiscard]] std::optional<LogHeader> read_header(std::string_view head);

// Dates without a year, line after line: the first is in `year`, and a step from December back to
// January is a new year. Lines a little out of order around New Year keep their own year.
class YearKeeper {
 public:
  explicit YearKeeper(int year) : first_(year), year_(year) {}
  // nullopt: there is no such day.
  [[nodiscard]] std::optional<TimePoint> resolve(const LogHeader& header);

 private:
  const int first_;
  int year_;
  std::optional<Day> last_;
};

// A DNS-like name, as hosts and nodes have: 1..253 of [A-Za-z0-9._-].
[[nodiscard]] bool is_host_name(std::string_view name);

}  // namespace outflow::ingest
