// How many log lines strangers can cause: so many a minute, then none until the next, and the first
// one after that says how many were not written. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "common/clock.h"
#include "common/mutex.h"

namespace outflow::log {

class LineBudget {
 public:
  static constexpr int kLinesPerMinute = 20;

  // nullopt: do not write. Else how many were not written since the last one that was.
  [[nodiscard]] std::optional<std::uint64_t> spend(SteadyTime now) {
    const MutexLock lock(mutex_);
    if (written_ == 0 || now - since_ >= std::chrono::minutes(1)) {
      since_ = now;
      written_ = 0;
    }
    if (written_ >= kLinesPerMinute) {
      ++kept_back_;
      return std::nullopt;
    }
    ++written_;
    const std::uint64_t kept_back = kept_back_;
    kept_back_ = 0;
    return kept_back;
  }

 private:
  Mutex mutex_;
  SteadyTime since_ GUARDED_BY(mutex_);
  int written_ GUARDED_BY(mutex_) = 0;
  std::uint64_t kept_back_ GUARDED_BY(mutex_) = 0;
};

}  // namespace outflow::log
