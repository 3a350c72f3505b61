#include "agent/agent.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <optional>
#include <thread>

#include "agent/bpffs.h"
#include "agent/files.h"
#include "agent/hooks.h"
#include "agent/interfaces.h"
#include "agent/meters.h"
#include "agent/probe.h"
#include "agent/reporter.h"
#include "agent/uplink.h"
#include "common/log.h"
#include "common/telemetry.h"

namespace outflow::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kRepairEvery = 1s;
constexpr auto kRingEvery = 100ms;  // 4,096 records wait at most: 40,000 a second are taken
constexpr auto kMeterEvery = 1s;
constexpr auto kFarewell = 5s;  // for the last batches' acknowledgement

struct Places {
  explicit Places(const Config& config)
      : maps(config.bpffs_dir + "/maps"),
        links(config.bpffs_dir + "/links"),
        clsact(config.bpffs_dir + "/clsact"),
        state(config.state_dir + "/state"),
        interfaces(config.state_dir + "/interfaces") {}
  std::string maps;
  std::string links;
  std::string clsact;
  std::string state;
  std::string interfaces;
};

// The folders and their locks; held for the agent's life.
struct Claims {
  Fd bpffs;
  Fd state;
};

Result<Claims> claim(const Config& config, const Places& places) {
  if (auto made = ensure_bpffs(config.bpffs_dir); !made) {
    return fail(std::move(made).error().within("--bpffs-dir"));
  }
  for (const std::string* folder : {&places.maps, &places.links, &places.clsact}) {
    if (::mkdir(folder->c_str(), 0700) != 0 && errno != EEXIST) {
      return fail("--bpffs-dir: " + *folder + ": " + errno_text(errno));
    }
  }
  if (auto made = make_directories(config.state_dir); !made) {
    return fail(std::move(made).error().within("--state-dir"));
  }
  auto bpffs = lock_directory(config.bpffs_dir);
  if (!bpffs) return fail(std::move(bpffs).error().within("--bpffs-dir"));
  auto state = lock_directory(config.state_dir);
  if (!state) return fail(std::move(state).error().within("--state-dir"));
  return Claims{std::move(*bpffs), std::move(*state)};
}

void remove_hooks(const Places& places) {
  const auto tables = Tables::open(places.maps);
  remove_all_hooks(places.links, places.clsact, tables ? &*tables : nullptr);
}

// The pinned tables have a state that says what of them has been handed on.
bool known_to_state(const Places& places) {
  const auto state = load_state(places.state);
  if (!state) {
    log::error("the state is unreadable, a new boot begins", {{"error", state.error().what}});
    ::unlink(places.state.c_str());
    return false;
  }
  const auto tables = Tables::open(places.maps);
  return *state && tables && (*state)->boot == tables->boot();
}

// Tables that nothing writes to any more: what they counted becomes the last batches of their boot,
// which the state then holds and the next boot's agent sends first.
Result<void> hand_on_rest(const Config& config, const Places& places, const Probe& probe) {
  const auto tables = Tables::open(places.maps);
  if (!tables) return fail(Error(tables.error()));
  const SystemClock clock;
  Registry registry(places.interfaces, tables->boot());
  auto reporter = Reporter::open({.node = config.node_name, .state_path = places.state}, *tables,
                                 probe, registry, clock);
  if (!reporter) return fail(std::move(reporter).error());
  auto batches = reporter->report(false);
  if (!batches) return fail(std::move(batches).error());
  return {};
}

struct Loaded {
  Probe probe;
  bool lost = false;  // of what earlier tables counted, the part that was not sent is not known
};

Result<Loaded> load(const Config& config, const Places& places) {
  auto probe = Probe::open(places.maps, config.tuples_max);
  if (!probe) return fail(std::move(probe).error());
  const PinState pins = probe->pins();
  const bool known = known_to_state(places);
  if (pins == PinState::Usable && known) {
    if (auto loaded = probe->load_adopting(); !loaded) return fail(std::move(loaded).error());
    return Loaded{std::move(*probe)};
  }
  if (auto loaded = probe->load_new(); !loaded) return fail(std::move(loaded).error());
  bool lost = false;
  if (pins != PinState::None) {
    remove_hooks(places);
    const auto rest = pins == PinState::Resized && known
                          ? hand_on_rest(config, places, *probe)
                          : fail(pins == PinState::Unusable ? "they are of another layout"
                                                            : "no state belongs to them");
    lost = !rest;
    log::warn("the pinned tables are not used on, a new boot begins",
              {{"not_yet_sent", rest ? "handed on" : "lost, " + rest.error().what},
               {"tuples_max", std::to_string(config.tuples_max)}});
    remove_map_pins(places.maps);
  }
  if (auto pinned = probe->pin(); !pinned) return fail(std::move(pinned).error());
  return Loaded{std::move(*probe), lost};
}

Result<HookKind> hook_kind(AttachMode mode, const Probe& probe) {
  const bool has_tcx = kernel_has_tcx(probe.from_pod());
  if (mode == AttachMode::Tcx && !has_tcx)
    return fail("--attach tcx: this kernel has no tcx (6.6)");
  return has_tcx && mode != AttachMode::Clsact ? HookKind::Tcx : HookKind::Clsact;
}

}  // namespace

struct Agent::Parts {
  explicit Parts(const Config& configured) : config(configured), places(configured) {}

  const Config config;
  const Places places;
  const SystemClock clock;
  Claims claims;
  std::unique_ptr<Telemetry> telemetry;
  std::unique_ptr<Meters> meters;
  std::optional<Probe> probe;
  std::optional<Tables> tables;
  std::unique_ptr<Registry> registry;
  std::optional<Interfaces> interfaces;
  std::unique_ptr<Hooks> hooks;
  std::optional<Reporter> reporter;
  std::unique_ptr<Uplink> uplink;
  Fd wake;
  std::atomic<std::uint64_t> repaired = 0;
  std::atomic<std::uint64_t> failed = 0;
  std::mutex stop_mutex;
  std::condition_variable_any stop_signal;
  std::jthread watcher;
  std::jthread reporting;

  Result<void> resync() {
    hooks->begin_resync();
    auto dumped = interfaces->dump([this](const NetlinkEvent& event) { hooks->handle(event); });
    if (!dumped) return dumped;
    hooks->end_resync();
    return {};
  }

  // A subscription that failed is opened anew; the dump after it leaves no gap.
  void reopen(const std::string& why) {
    log::warn("listening to the network anew", {{"error", why}});
    auto opened = Interfaces::open();
    if (!opened) return;
    interfaces = std::move(*opened);
    if (auto synced = resync(); !synced) {
      log::error("cannot list the interfaces", {{"error", synced.error().what}});
    }
    // An interface may have been replaced by another of the same index meanwhile.
    hooks->repair();
  }

  void watch(const std::stop_token& stop) {
    const std::stop_callback on_stop(stop, [this] {
      const std::uint64_t one = 1;
      static_cast<void>(::write(wake.get(), &one, sizeof one));
    });
    auto repair_at = std::chrono::steady_clock::now() + kRepairEvery;
    while (!stop.stop_requested()) {
      pollfd ready[] = {{interfaces->fd(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          repair_at - std::chrono::steady_clock::now());
      ::poll(ready, 2, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
      if (stop.stop_requested()) return;
      const auto received =
          interfaces->receive([this](const NetlinkEvent& event) { hooks->handle(event); });
      if (!received) {
        reopen(received.error().what);
      } else if (!*received) {
        reopen("the kernel dropped events (ENOBUFS)");
      }
      for (const std::uint32_t ifindex : hooks->waiting()) {
        // One that is gone by now has its event on the way.
        static_cast<void>(interfaces->query(
            ifindex, [this](const NetlinkEvent& event) { hooks->handle(event); }));
      }
      if (std::chrono::steady_clock::now() >= repair_at) {
        hooks->repair();
        repair_at = std::chrono::steady_clock::now() + kRepairEvery;
      }
      repaired = hooks->repaired();
      failed = hooks->failed();
    }
  }

  void report_once() {
    auto batches = reporter->report(uplink->idle());
    if (!batches) {
      log::error("cannot report, trying again next interval", {{"error", batches.error().what}});
      return;
    }
    uplink->submit(std::move(*batches));
  }

  void renew_meters() {
    meters->renew({reporter->last_reading(), uplink->counts(), registry->hooked_count(), repaired,
                   failed, reporter->evicted(), reporter->dns_unparsed()});
  }

  void report(const std::stop_token& stop) {
    auto report_at = std::chrono::steady_clock::now() + config.report_interval;
    auto meters_at = std::chrono::steady_clock::now();
    std::unique_lock lock(stop_mutex);
    while (!stop.stop_requested()) {
      stop_signal.wait_for(lock, stop, std::min<nanoseconds>(kRingEvery, config.report_interval),
                           [] { return false; });
      reporter->take_rings();
      if (std::chrono::steady_clock::now() >= meters_at) {
        renew_meters();
        meters_at = std::chrono::steady_clock::now() + kMeterEvery;
      }
      if (std::chrono::steady_clock::now() < report_at || !uplink->idle()) continue;
      report_once();
      report_at = std::chrono::steady_clock::now() + config.report_interval;
    }
  }

  Result<void> open() {
    auto claimed = claim(config, places);
    if (!claimed) return fail(std::move(claimed).error());
    claims = std::move(*claimed);
    auto served = Telemetry::start(config.http_listen);
    if (!served) return fail(std::move(served).error().within("--http-listen"));
    telemetry = std::move(*served);
    meters = std::make_unique<Meters>(telemetry->registry());
    auto loaded = load(config, places);
    if (!loaded) return fail(std::move(loaded).error());
    probe = std::move(loaded->probe);
    auto opened = Tables::open(places.maps);
    if (!opened) return fail(std::move(opened).error());
    tables = std::move(*opened);
    registry = std::make_unique<Registry>(places.interfaces, tables->boot());
    if (loaded->lost) registry->count_loss("state_lost");
    auto reading = Reporter::open({.node = config.node_name, .state_path = places.state}, *tables,
                                  *probe, *registry, clock);
    if (!reading) return fail(std::move(reading).error());
    reporter.emplace(std::move(*reading));
    return {};
  }

  Result<void> begin() {
    const auto kind = hook_kind(config.attach, *probe);
    if (!kind) return fail(Error(kind.error()));
    const HookPlan plan{*kind, places.links, probe->from_pod(), probe->to_pod(),
                        tables->flows_map_id()};
    hooks =
        std::make_unique<Hooks>(config.interface_patterns, plan, places.clsact, *tables, *registry);
    auto listening = Interfaces::open();
    if (!listening) return fail(std::move(listening).error());
    interfaces = std::move(*listening);
    if (auto synced = resync(); !synced) return synced;
    wake = Fd(eventfd(0, EFD_CLOEXEC));
    if (!wake.valid()) return fail("eventfd: " + errno_text(errno));
    uplink = std::make_unique<Uplink>(config.aggregator);
    if (!reporter->unsent().empty()) uplink->submit(reporter->unsent());
    log::info("watching", {{"attach", *kind == HookKind::Tcx ? "tcx" : "clsact"},
                           {"interfaces", std::to_string(registry->hooked_count())},
                           {"boot", to_hex(tables->boot())}});
    watcher = std::jthread([this](const std::stop_token& stop) { watch(stop); });
    reporting = std::jthread([this](const std::stop_token& stop) { report(stop); });
    telemetry->set_ready(true, "");
    return {};
  }
};

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Agent>> Agent::start(const Config& config) {
  auto parts = std::make_unique<Parts>(config);
  if (auto opened = parts->open(); !opened) return fail(std::move(opened).error());
  if (auto begun = parts->begin(); !begun) return fail(std::move(begun).error());
  return std::unique_ptr<Agent>(new Agent(std::move(parts)));
}

Agent::~Agent() {
  parts_->watcher = {};
  parts_->reporting = {};
  const auto until = std::chrono::steady_clock::now() + kFarewell;
  const auto left = [until] { return nanoseconds(until - std::chrono::steady_clock::now()); };
  if (parts_->uplink->wait_idle(left())) parts_->report_once();
  if (!parts_->uplink->wait_idle(left())) {
    log::warn("the aggregator did not acknowledge the last batch, the next agent sends it again");
  }
}

Result<void> uninstall(const Config& config) {
  const Places places(config);
  auto claimed = claim(config, places);
  if (!claimed) return fail(std::move(claimed).error());
  remove_hooks(places);
  remove_map_pins(places.maps);
  for (const std::string* folder : {&places.links, &places.clsact, &places.maps}) {
    ::rmdir(folder->c_str());
  }
  claimed->bpffs.reset();  // a lock in it would keep it mounted
  remove_bpffs(config.bpffs_dir);
  ::unlink(places.state.c_str());
  ::unlink(places.interfaces.c_str());
  ::rmdir(config.state_dir.c_str());
  return {};
}

}  // namespace outflow::agent
