// What the agent tells of its node beside the flows (common/facts.h). Any thread may ask.
#pragma once

#include <functional>
#include <string>

#include "common/clock.h"
#include "common/facts.h"
#include "common/mutex.h"
#include "common/result.h"

namespace outflow::agent {

// Pods' interfaces as the hooks see them.
struct HookSight {
  std::uint64_t seen = 0;
  std::uint64_t hooked = 0;
  std::uint64_t failed = 0;           // seen, and the last try to hook it failed
  std::vector<HookFailure> failures;  // the first kHookFailuresMax of these
};

class FactSource {
 public:
  struct Setup {
    std::string hook_mode;
    std::function<HookSight()> hooks;
    // When the certificate the agent shows ends; the epoch when it has none.
    std::function<TimePoint()> certificate_expiry = [] { return TimePoint(); };
  };
  FactSource(Setup setup, const Clock& clock);

  void self_tested(const Result<void>& outcome);
  // `round_trip`: of the batch before, 0 when there is none. The sender sets sent_at.
  [[nodiscard]] NodeFacts facts(nanoseconds round_trip) const;

 private:
  const Setup setup_;
  const Clock& clock_;
  const TimePoint started_;
  const SteadyTime started_steady_;
  NodeFacts fixed_;
  mutable Mutex mutex_;
  std::string self_test_ GUARDED_BY(mutex_);
  std::string self_test_error_ GUARDED_BY(mutex_);
};

// The word between the brackets of /sys/kernel/security/lockdown, "[none] integrity
// confidentiality"; "" when there is none. Pure.
[[nodiscard]] std::string chosen_word(const std::string& text);

}  // namespace outflow::agent
