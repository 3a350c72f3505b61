#include "aggregator/live_feed.h"

#include <utility>

#include "common/log.h"

namespace outflow {
namespace {

using namespace std::chrono_literals;

// Making a snapshot shall not keep us busy where everything changes all the time.
constexpr int kIdleShare = 10;
constexpr auto kExpireEvery = 1h;
// Up to when the feed had told is written when nothing else is: after a restart an absence is
// noticed to have begun no earlier.
constexpr auto kMarkEvery = 10s;
// The first list of a large cluster is not copied as a whole.
constexpr std::size_t kKeptAtOnce = 10'000;

}  // namespace

Result<std::unique_ptr<LiveFeed>> LiveFeed::start(Feed feed, store::Store& store,
                                                  inventory::Current& current, const Clock& clock,
                                                  nanoseconds retention) {
  auto live = std::unique_ptr<LiveFeed>(new LiveFeed(store, current, clock, retention));
  const TimePoint oldest = clock.now() - retention;
  const auto heard = store.held([&](inventory::Held held) {
    const TimePoint gone = std::visit([](const auto& of) { return of.told.gone; }, held);
    if (gone == TimePoint() || gone >= oldest) live->cluster_.restore(std::move(held));
  });
  if (!heard) return fail(Error(heard.error()));
  live->cluster_.resume(*heard);
  current.follow(inventory::LiveCluster::nothing_yet(), live->cluster_.states().error(), {});
  LiveFeed& running = *live;
  live->thread_ = std::jthread([&running, feed = std::move(feed)](const std::stop_token& stop) {
    feed(running.cluster_, stop);
  });
  return live;
}

LiveFeed::~LiveFeed() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  keep();
}

void LiveFeed::step() {
  const SteadyTime now = std::chrono::steady_clock::now();
  // Before the snapshot: who reads of a failure shall find it in the snapshot as well.
  const inventory::FeedStates states = cluster_.states();
  std::shared_ptr<const inventory::Snapshot> snapshot;
  if (now >= rested_) {
    snapshot = cluster_.snapshot();
    rested_ = now + kIdleShare * (std::chrono::steady_clock::now() - now);
  }
  std::string error = states.error();
  if (error != last_error_) {
    if (error.empty()) log::info("the inventory is the newest again");
    if (!error.empty()) log::warn("the inventory is not the newest", {{"error", error}});
    last_error_ = error;
  }
  if (snapshot != nullptr && current_.view().snapshot->as_of() == TimePoint()) {
    log::info("inventory read",
              {{"namespaces", std::to_string(snapshot->model().namespaces.size())},
               {"pods", std::to_string(snapshot->pod_count())}});
  }
  current_.follow(std::move(snapshot), std::move(error), states.as_of());
  keep();
  if (now >= expire_next_) {
    expire_next_ = now + kExpireEvery;
    expire();
  }
}

void LiveFeed::keep() {
  const inventory::FeedStates states = cluster_.states();
  // Before all was listed, who is not listed yet is not known to live.
  if (!states.ready()) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  for (;;) {
    if (unsaved_.empty()) unsaved_ = cluster_.take_unsaved(kKeptAtOnce);
    if (unsaved_.empty() && now < mark_next_) return;
    mark_next_ = now + kMarkEvery;
    if (auto kept = store_.put_held(unsaved_, states.as_of()); !kept) {
      log::error("cannot keep who had which address", {{"error", kept.error().what}});
      return;
    }
    unsaved_.clear();
  }
}

void LiveFeed::expire() {
  const TimePoint oldest = clock_.now() - retention_;
  cluster_.forget(oldest);
  if (const auto gone = store_.expire_held(oldest); !gone) {
    log::error("cannot delete who had an address long ago", {{"error", gone.error().what}});
  }
}

}  // namespace outflow
