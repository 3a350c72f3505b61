#include "common/stop.h"

#include <pthread.h>
#include <signal.h>

#include <cerrno>

namespace outflow {
namespace {

sigset_t stop_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  const sigset_t set = stop_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void StopSignals::wait() const {
  const sigset_t set = stop_set();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
}

bool StopSignals::wait_for(nanoseconds time) const {
  const sigset_t set = stop_set();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
  return sigtimedwait(&set, nullptr, &timeout) > 0;
}

}  // namespace outflow
