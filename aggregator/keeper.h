// What has to be done to the store from time to time: judge strangers again when the inventory
// changed, delete days beyond the retention. One thread steps it.
//
// The first inventory of a process is tried on all days: nobody knows which one judged them, and
// what was private or external for want of a better one would keep its address in a policy for
// ever. Later ones are tried on the last days only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "aggregator/inventory/current.h"
#include "aggregator/store/store.h"
#include "common/clock.h"

namespace outflow {

class Keeper {
 public:
  // Time that only goes forward, for the cadence; days come from the clock.
  using Moment = std::chrono::steady_clock::time_point;

  Keeper(store::Store& store, const inventory::Current& inventory, const Clock& clock)
      : store_(store), inventory_(inventory), clock_(clock) {}

  // Does what is due. Failures are logged and tried again when they are due next.
  void step(Moment now);

  [[nodiscard]] std::uint64_t judged_again() const { return judged_again_; }  // records, so far
  [[nodiscard]] std::uint64_t expired() const { return expired_; }

 private:
  void judge(const inventory::Snapshot& snapshot);
  void expire();

  store::Store& store_;
  const inventory::Current& inventory_;
  const Clock& clock_;
  std::shared_ptr<const inventory::Snapshot> judged_with_;
  bool judged_twice_ = true;
  bool judged_all_ = false;
  Moment rested_{};       // a newer inventory is looked at from here on
  Moment second_look_{};  // and the same one again from here on
  Moment expire_next_{};
  std::uint64_t judged_again_ = 0;
  std::uint64_t expired_ = 0;
};

}  // namespace outflow
