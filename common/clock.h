// Time as the product speaks of it: UTC, nanoseconds since the Unix epoch; days are UTC days.
#pragma once

#include <chrono>
#include <cstdint>

namespace outflow {

using TimePoint = std::chrono::sys_time<std::chrono::nanoseconds>;
using Day = std::chrono::sys_days;
using std::chrono::nanoseconds;
// For how long ago; never set by anybody.
using SteadyTime = std::chrono::steady_clock::time_point;

[[nodiscard]] inline Day day_of(TimePoint time) {
  return std::chrono::floor<std::chrono::days>(time);
}

[[nodiscard]] inline TimePoint from_unix_ns(std::int64_t ns) {
  return TimePoint(nanoseconds(ns));
}
[[nodiscard]] inline std::int64_t unix_ns(TimePoint time) {
  return time.time_since_epoch().count();
}

// What tells the time. A test gives its own and moves it by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override {
    return std::chrono::time_point_cast<nanoseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace outflow
