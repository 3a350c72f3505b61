#include "agent/watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "common/log.h"

namespace outflow::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kRepairEvery = 1s;
// A pod's route comes after its interface; later than this it has none.
constexpr auto kRouteWait = 10s;

}  // namespace

EventSink Watcher::to_hooks(SteadyTime arrived) {
  return [this, arrived](const NetlinkEvent& event) { hooks_.handle(event, arrived); };
}

Result<void> Watcher::resync() {
  hooks_.begin_resync();
  auto dumped = interfaces_->dump(to_hooks(std::chrono::steady_clock::now()));
  if (!dumped) {
    hooks_.abort_resync();
    return dumped;
  }
  hooks_.end_resync();
  return {};
}

// Interfaces older than their hooks: what they had open. One without an address may get its route
// yet; after a while it is asked about as it is.
void Watcher::seed_old() {
  const SteadyTime now = std::chrono::steady_clock::now();
  std::vector<OldInterface> due = hooks_.unseeded();
  std::erase_if(due, [now](const OldInterface& interface) {
    return interface.addresses.empty() && now - interface.hooked_at < kRouteWait;
  });
  if (due.empty()) return;
  const Seeder::Outcome outcome = seeder_.seed(due);
  if (outcome.no_room > 0) registry_.count_loss("older_no_room", outcome.no_room);
  for (const OldInterface& interface : due) {
    hooks_.seeded(interface.id, outcome.told && !interface.addresses.empty());
  }
}

// What waits in the subscription; it came after `free_since`, when nothing did.
void Watcher::take_events(SteadyTime free_since) {
  const auto received = interfaces_->receive(to_hooks(free_since));
  if (!received) {
    reopen(received.error().what);
  } else if (!*received) {
    reopen("the kernel dropped events (ENOBUFS)");
  }
  for (const std::uint32_t ifindex : hooks_.waiting()) {
    // One that is gone by now has its event on the way.
    static_cast<void>(interfaces_->query(ifindex, to_hooks(free_since)));
  }
  for (const nanoseconds latency : hooks_.take_latencies()) on_hooked_(latency);
  registry_.keep();
}

// A subscription that failed is opened anew; the dump after it leaves no gap.
void Watcher::reopen(const std::string& why) {
  log::warn("listening to the network anew", {{"error", why}});
  resync_due_ = true;
  auto opened = Interfaces::open();
  if (!opened) return;
  interfaces_ = std::move(*opened);
  if (auto synced = resync(); !synced) {
    log::error("cannot list the interfaces, trying again every second",
               {{"error", synced.error().what}});
    return;
  }
  resync_due_ = false;
  // An interface may have been replaced by another of the same index meanwhile.
  hooks_.repair();
}

void Watcher::publish_sight() {
  HookSight sight = hooks_.sight();
  const MutexLock lock(mutex_);
  sight_ = std::move(sight);
}

void Watcher::watch(const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [this] {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_.get(), &one, sizeof one));
  });
  auto repair_at = std::chrono::steady_clock::now() + kRepairEvery;
  SteadyTime free_since = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    pollfd ready[] = {{interfaces_->fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(repair_at - std::chrono::steady_clock::now());
    // Nothing waits yet: what comes, comes from now on.
    if (::poll(ready, 2, 0) == 0) {
      ::poll(ready, 2, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
      free_since = std::chrono::steady_clock::now();
    }
    if (stop.stop_requested()) return;
    take_events(free_since);
    free_since = std::chrono::steady_clock::now();
    if (free_since >= repair_at) {
      if (resync_due_) reopen("the last listing failed");
      hooks_.repair();
      seed_old();
      registry_.keep();
      publish_sight();
      repair_at = std::chrono::steady_clock::now() + kRepairEvery;
    }
    repaired_ = hooks_.repaired();
    failed_ = hooks_.failed();
  }
}

Result<void> Watcher::start() {
  auto listening = Interfaces::open();
  if (!listening) return fail(std::move(listening).error());
  interfaces_ = std::move(*listening);
  if (auto synced = resync(); !synced) return synced;
  seed_old();
  registry_.keep();
  publish_sight();
  wake_ = Fd(eventfd(0, EFD_CLOEXEC));
  if (!wake_.valid()) return fail("eventfd: " + errno_text(errno));
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  return {};
}

}  // namespace outflow::agent
