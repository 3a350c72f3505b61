#include "agent/agent.h"

#include <condition_variable>
#include <optional>
#include <thread>

#include "agent/boot.h"
#include "agent/enrolment.h"
#include "agent/facts.h"
#include "agent/hooks.h"
#include "agent/meters.h"
#include "agent/probe.h"
#include "agent/reporter.h"
#include "agent/seeder.h"
#include "agent/self_test.h"
#include "agent/uplink.h"
#include "agent/watcher.h"
#include "common/log.h"
#include "common/telemetry.h"
#include "proto/credentials.h"

namespace outflow::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kRingEvery = 100ms;  // 3,640 records wait at most: 36,000 a second are taken
constexpr auto kMeterEvery = 1s;
constexpr int kIdleReports = 6;  // as long a tuple is idle before it may make room for another
constexpr auto kFarewell = 5s;   // for the last batches' acknowledgement

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
  std::unique_ptr<tls::Credentials> credentials;  // from files; null: plaintext, or enrolled
  std::unique_ptr<Enrolment> enrolment;
  std::unique_ptr<Telemetry> telemetry;
  std::unique_ptr<Meters> meters;
  std::optional<Probe> probe;
  std::optional<Tables> tables;
  std::unique_ptr<Registry> registry;
  std::unique_ptr<Seeder> seeder;
  std::optional<Reporter> reporter;
  std::unique_ptr<Watcher> watcher;
  std::optional<FactSource> facts;
  std::unique_ptr<Uplink> uplink;  // asks these two
  std::mutex stop_mutex;
  std::condition_variable_any stop_signal;
  std::jthread reporting;

  void report_once() {
    auto batches = reporter->report(uplink->idle());
    if (!batches) {
      log::error("cannot report, trying again next interval", {{"error", batches.error().what}});
      return;
    }
    uplink->submit(std::move(*batches));
  }

  void renew_meters() {
    meters->renew({reporter->last_reading(), uplink->counts(), registry->hooked_count(),
                   watcher->repaired(), watcher->failed(), reporter->evicted(),
                   reporter->name_counts(), reporter->said_counts(),
                   shown() != nullptr ? shown()->not_after() : TimePoint()});
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

  // Null in plaintext, and while there is no certificate yet.
  [[nodiscard]] const tls::Credentials* shown() const {
    return enrolment != nullptr ? enrolment->credentials() : credentials.get();
  }

  [[nodiscard]] Uplink::Way way() const {
    if (credentials == nullptr && enrolment == nullptr) {
      return {.connect = [endpoint = config.aggregator] {
        return connect(endpoint, grpc::InsecureChannelCredentials());
      }};
    }
    return {.connect = [this]() -> Result<std::shared_ptr<grpc::Channel>> {
              const tls::Credentials* const own = shown();
              if (own == nullptr) return fail("no certificate yet: " + enrolment->last_error());
              return connect(config.aggregator, own->channel(), config.tls_server_name);
            },
            .generation =
                [this] {
                  const tls::Credentials* const own = shown();
                  return own != nullptr ? own->generation() : 0;
                }};
  }

  Result<void> open_credentials() {
    if (!tls::is_used(config.tls, config.aggregator)) return {};
    if (config.enroll_token.empty()) {
      auto opened = tls::Credentials::open(config.tls);
      if (!opened) return fail(std::move(opened).error());
      credentials = *std::move(opened);
      return {};
    }
    auto started = Enrolment::start({.token_file = config.enroll_token,
                                     .authorities = config.tls.authorities,
                                     .directory = config.tls_dir,
                                     .node = config.node_name,
                                     .connect = [this](const tls::Credentials& with) {
                                       return connect(config.aggregator, with.channel(),
                                                      config.tls_server_name);
                                     }});
    if (!started) return fail(std::move(started).error());
    enrolment = *std::move(started);
    return {};
  }

  Result<void> open() {
    if (auto opened = open_credentials(); !opened) return opened;
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
    seeder = std::make_unique<Seeder>(*tables, *probe, config.netns_dir);
    auto reading =
        Reporter::open({.node = config.node_name,
                        .state_path = places.state,
                        .reads_names = config.dns_names,
                        .idle_min = kIdleReports * config.report_interval,
                        .standing = [this] { return seeder->standing(registry->known()); }},
                       *tables, *probe, *registry, clock);
    if (!reading) return fail(std::move(reading).error());
    reporter.emplace(std::move(*reading));
    return {};
  }

  void begin_facts(HookKind kind) {
    facts.emplace(FactSource::Setup{.hook_mode = kind == HookKind::Tcx ? "tcx" : "clsact",
                                    .hooks = [this] { return watcher->sight(); },
                                    .certificate_expiry =
                                        [this] {
                                          const tls::Credentials* const own = shown();
                                          return own != nullptr ? own->not_after() : TimePoint();
                                        }},
                  clock);
    const auto tested = self_test();
    if (!tested) log::error("the self-test failed", {{"error", tested.error().what}});
    facts->self_tested(tested);
  }

  Result<void> begin() {
    const auto kind = hook_kind(config.attach, *probe);
    if (!kind) return fail(Error(kind.error()));
    const HookPlan plan{*kind, places.links, probe->from_pod(), probe->to_pod()};
    watcher = std::make_unique<Watcher>(
        Hooks(config.interface_patterns, plan, places.clsact, *tables, *registry), *seeder,
        *registry, [this](nanoseconds latency) { meters->hooked_after(latency); });
    if (auto started = watcher->start(); !started) return started;
    begin_facts(*kind);
    uplink = std::make_unique<Uplink>(way(), Uplink::Timing(),
                                      [this](nanoseconds trip) { return facts->facts(trip); });
    if (!reporter->unsent().empty()) uplink->submit(reporter->unsent());
    log::info("watching", {{"attach", *kind == HookKind::Tcx ? "tcx" : "clsact"},
                           {"interfaces", std::to_string(registry->hooked_count())},
                           {"boot", to_hex(tables->boot())}});
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
  parts_->watcher->stop();
  parts_->reporting = {};
  const auto until = std::chrono::steady_clock::now() + kFarewell;
  const auto left = [until] { return nanoseconds(until - std::chrono::steady_clock::now()); };
  if (parts_->uplink->wait_idle(left())) parts_->report_once();
  if (!parts_->uplink->wait_idle(left())) {
    log::warn("the aggregator did not acknowledge the last batch, the next agent sends it again");
  }
}

}  // namespace outflow::agent
