// Keeps a Sink told of a cluster: one thread, a reflector a kind. Whoever wants the
// cluster calls run() in a thread of its own; it returns when it is asked to stop, within
// milliseconds. Owners are asked for first and pods when these are settled, so that a pod's
// workload is known when the pod is.
//
// Changes of state are logged once: a kind that is in trouble and why, that it is well again, that
// it is absent. Of objects that cannot be read the first of a kind is logged, and one a minute
// after that at most; all are counted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>

#include "aggregator/inventory/objects.h"
#include "aggregator/kube/access.h"
#include "aggregator/kube/client.h"
#include "aggregator/kube/reflector.h"
#include "common/clock.h"

namespace outflow::kube {

// What was counted since the start, by kind; read by any thread.
struct Metrics {
  std::array<Counts, inventory::kKinds> of_kind{};
  std::uint64_t connections = 0;  // begun
  [[nodiscard]] const Counts& of(Kind kind) const {
    return of_kind[static_cast<std::size_t>(kind)];
  }
};

class Watcher {
 public:
  struct Options {
    bool http1 = false;  // see client.h
    bool watch_list = true;
    unsigned page_items = kPageItems;
  };
  // All three outlive it.
  Watcher(Access& access, inventory::Sink& sink, const Clock& clock, Options options);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void run(const std::stop_token& stop);

  [[nodiscard]] Metrics metrics() const;

 private:
  struct Rooms;
  std::unique_ptr<Rooms> rooms_;
};

}  // namespace outflow::kube
