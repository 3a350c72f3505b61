// The inventory everybody uses now. One thread sets (the feed's), any thread views; a view stays
// whole and valid however often the inventory changes meanwhile.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "aggregator/inventory/snapshot.h"
#include "common/mutex.h"

namespace outflow::inventory {

struct View {
  std::shared_ptr<const Snapshot> snapshot;  // never null: an empty one before the first read
  std::string error;   // why the snapshot is not the newest there could be; "" when all is well
  bool stale = false;  // true with an error: the last good snapshot still answers
  TimePoint as_of{};   // up to when it is known to be so: the snapshot's, or later of a live feed
};

class Current {
 public:
  // Takes the new snapshot and forgets the error.
  void set(std::shared_ptr<const Snapshot> snapshot) {
    const MutexLock lock(mutex_);
    const TimePoint as_of = snapshot->as_of();
    view_ = {std::move(snapshot), "", false, as_of};
  }

  // Keeps the snapshot and marks it stale.
  void set_error(std::string error) {
    const MutexLock lock(mutex_);
    view_.error = std::move(error);
    view_.stale = true;
  }

  // Of a live feed: a new snapshot, or null for the one there is; why it is not the newest, or "";
  // and up to when it was told.
  void follow(std::shared_ptr<const Snapshot> snapshot, std::string error, TimePoint as_of) {
    const MutexLock lock(mutex_);
    if (snapshot != nullptr) view_.snapshot = std::move(snapshot);
    view_.stale = !error.empty();
    view_.error = std::move(error);
    if (view_.snapshot->as_of() != TimePoint()) view_.as_of = as_of;
  }

  [[nodiscard]] View view() const {
    const MutexLock lock(mutex_);
    return view_;
  }

 private:
  mutable Mutex mutex_;
  View view_ GUARDED_BY(mutex_) = {std::make_shared<const Snapshot>(Model{}, TimePoint{}),
                                   "the inventory has not been read yet", true, TimePoint{}};
};

}  // namespace outflow::inventory
