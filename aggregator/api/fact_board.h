// What each node's agent told last of its node, with the moment it came. In memory only: an agent
// tells again within a minute. Any thread may call anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "common/clock.h"
#include "common/facts.h"
#include "common/mutex.h"

namespace outflow::api {

class FactBoard {
 public:
  // Three times the nodes Kubernetes is tested with (5,000); about 1 KiB each.
  static constexpr std::size_t kNodesMax = 16'384;

  struct Told {
    NodeFacts facts;
    TimePoint received{};
    bool reads_names = false;  // as the batch said that brought it
  };

  void put(const std::string& node, Told told) {
    const MutexLock lock(mutex_);
    if (told_.size() >= kNodesMax && !told_.contains(node)) {
      ++refused_;
      return;
    }
    told_[node] = std::move(told);
  }
  [[nodiscard]] std::map<std::string, Told> all() const {
    const MutexLock lock(mutex_);
    return told_;
  }
  // Tellings of nodes there was no room for.
  [[nodiscard]] std::uint64_t refused() const {
    const MutexLock lock(mutex_);
    return refused_;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, Told> told_ GUARDED_BY(mutex_);
  std::uint64_t refused_ GUARDED_BY(mutex_) = 0;
};

}  // namespace outflow::api
