// SIGTERM and SIGINT as something a main can wait for.
#pragma once

#include "common/clock.h"

namespace outflow {

// Blocks both signals in this thread and all made after it; made first in main, before any thread.
class StopSignals {
 public:
  StopSignals();

  // Returns when a signal came.
  void wait() const;
  // True when a signal came within the time.
  [[nodiscard]] bool wait_for(nanoseconds time) const;
};

}  // namespace outflow
