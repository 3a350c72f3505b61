// The watching thread: netlink events -> hooks, at once; every second what must be repaired, and
// what interfaces older than their hooks had open.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "agent/hooks.h"
#include "agent/interfaces.h"
#include "agent/registry.h"
#include "agent/seeder.h"
#include "common/fd.h"
#include "common/mutex.h"
#include "common/result.h"

namespace outflow::agent {

class Watcher {
 public:
  // Told, on the watching thread, how long an interface waited for its hooks.
  using LatencySink = std::function<void(nanoseconds)>;
  Watcher(Hooks hooks, const Seeder& seeder, Registry& registry, LatencySink on_hooked)
      : hooks_(std::move(hooks)),
        seeder_(seeder),
        registry_(registry),
        on_hooked_(std::move(on_hooked)) {}

  // Hooks what is there, then watches until the end of this object.
  [[nodiscard]] Result<void> start();
  void stop() { thread_ = {}; }

  // Any thread may ask.
  [[nodiscard]] std::uint64_t repaired() const { return repaired_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }
  // At most a second old.
  [[nodiscard]] HookSight sight() const {
    const MutexLock lock(mutex_);
    return sight_;
  }

 private:
  [[nodiscard]] EventSink to_hooks(SteadyTime arrived);
  [[nodiscard]] Result<void> resync();
  void reopen(const std::string& why);
  void seed_old();
  void take_events(SteadyTime free_since);
  void watch(const std::stop_token& stop);
  void publish_sight();

  Hooks hooks_;
  const Seeder& seeder_;
  Registry& registry_;
  const LatencySink on_hooked_;
  std::optional<Interfaces> interfaces_;
  bool resync_due_ = false;
  Fd wake_;
  std::atomic<std::uint64_t> repaired_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
  mutable Mutex mutex_;
  HookSight sight_ GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace outflow::agent
