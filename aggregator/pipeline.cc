#include "aggregator/pipeline.h"

#include <condition_variable>
#include <thread>

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>

#include "aggregator/additions.h"
#include "aggregator/api/backup_service.h"
#include "aggregator/api/fact_board.h"
#include "aggregator/api/service.h"
#include "aggregator/door.h"
#include "aggregator/feeds/feeds.h"
#include "aggregator/ingest/import_service.h"
#include "aggregator/ingest/report_service.h"
#include "aggregator/inventory/file_feed.h"
#include "aggregator/keeper.h"
#include "aggregator/meters.h"
#include "aggregator/namer.h"
#include "common/log.h"
#include "common/telemetry.h"
#include "proto/wire.h"

namespace outflow {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 1s;           // how often the inventory is looked at
constexpr auto kShutdownGrace = 5s;  // for answers under way
// Metrics of the store read records, so they are renewed every so many ticks only.
constexpr unsigned kStoreMetersTicks = 10;
// Names end minutes after they were told; a walk over all of them takes a while.
constexpr unsigned kSweepTicks = 60;

}  // namespace

struct Pipeline::Rooms {
  Rooms(const AggregatorConfig& configured, const Clock& told) : config(configured), clock(told) {}

  const AggregatorConfig config;
  const Clock& clock;
  Namer namer{config.trusted_resolvers, clock};
  std::unique_ptr<Telemetry> telemetry;
  std::unique_ptr<Meters> meters;
  std::unique_ptr<store::Store> store;
  inventory::Current inventory;
  std::optional<inventory::FileFeed> feed;
  std::unique_ptr<LiveFeed> live;
  std::unique_ptr<feeds::Feeds> ranges;  // null without --feeds
  ingest::IngestCounters counters;
  std::unique_ptr<Door> door;
  api::FactBoard facts;
  std::unique_ptr<grpc::Service> report_service;
  std::unique_ptr<grpc::Service> import_service;
  std::unique_ptr<grpc::Service> query_service;
  std::unique_ptr<grpc::Service> backup_service;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
  std::unique_ptr<Keeper> keeper;
  std::stop_source end_streams;
  std::string last_feed_error;
  unsigned ticks = 0;
  std::mutex wait_mutex;
  std::condition_variable_any wait_signal;
  std::jthread feed_thread;  // these two last: they stop first
  std::jthread keeper_thread;

  Result<bool> merge(const Report& report) {
    if (report.facts) facts.put(report.node, {*report.facts, clock.now(), report.reads_names});
    const auto snapshot = inventory.view().snapshot;
    store::Addition addition = to_addition(report, *snapshot);
    namer.add_names(report, *snapshot, addition);
    const auto merged = store->add(addition);
    if (!merged) return fail(Error(merged.error()));
    return *merged == store::Merge::Merged;
  }

  Result<ingest::LogAdded> merge_log(std::span<const ingest::LogFlow> flows) {
    const auto snapshot = inventory.view().snapshot;
    std::vector<store::Store::LogLine> lines;
    ingest::LogAdded result;
    for (const ingest::LogFlow& flow : flows) {
      lines.push_back(to_log_line(flow, *snapshot));
      result.namespaces.push_back(lines.back().history.source.namespace_name);
    }
    const auto added = store->add_log(lines);
    if (!added) return fail(Error(added.error()));
    result.added = *added;
    return result;
  }

  [[nodiscard]] api::Backend backend() {
    api::Backend backend{.store = *store,
                         .inventory = inventory,
                         .select = config.select,
                         .clock = clock,
                         .batches = [this]() -> api::BatchCounts {
                           std::uint64_t refused = 0;
                           for (const auto& [field, count] : counters.refused()) refused += count;
                           return {counters.merged, counters.repeated, refused};
                         },
                         .needs_inventory = feed.has_value() || live != nullptr,
                         .own_namespace = config.own_namespace,
                         .facts = &facts,
                         .certificate_expiry = door->certificate_expiry()};
    give_ranges(backend);
    return backend;
  }

  // Before the first question, so that it is answered with what is on disk.
  void start_feeds() {
    if (config.feeds_file.empty()) return;
    ranges = std::make_unique<feeds::Feeds>(
        feeds::Feeds::Options{config.feeds_file, config.data_dir + "/feeds", config.retention},
        clock);
    ranges->start();
  }

  void give_ranges(api::Backend& backend) const {
    if (ranges == nullptr) return;
    backend.ranges = [this] { return ranges->table(); };
    backend.feeds = [this] { return ranges->state(); };
  }

  // Whose inventory comes from: a live feed, a file, or nowhere.
  Result<void> know(Feed told) {
    if (!told) {
      if (!config.inventory_file.empty()) feed.emplace(config.inventory_file, clock);
      if (!feed) log::warn("without --kube, --kubeconfig or --inventory-file nobody is known");
      return {};
    }
    auto started =
        LiveFeed::start(std::move(told), *store, inventory, clock, config.interval_retention);
    if (!started) return fail(std::move(started).error());
    live = std::move(*started);
    return {};
  }

  // Only a live inventory is worth waiting for.
  ingest::Patience patience() {
    if (live == nullptr) return {};
    return {[this](const Report& report) { return knows_all(report, inventory.view()); },
            config.attribution_wait};
  }

  void make_services() {
    report_service =
        ingest::make_report_service([this](const Report& report) { return merge(report); },
                                    counters, door->agents(), end_streams.get_token(), patience());
    import_service = ingest::make_import_service(
        [this](std::span<const ingest::LogFlow> flows) { return merge_log(flows); },
        [this] { return api::context_of(backend()); },
        [this](const grpc::ServerContextBase& context) {
          return door->users().may_add_evidence(context);
        });
    query_service = api::make_query_service(
        backend(),
        [this](const grpc::ServerContextBase& context) { return door->users().sight_of(context); });
    backup_service =
        api::make_backup_service(*store, clock, [this](const grpc::ServerContextBase& context) {
          return door->users().may_back_up(context);
        });
  }

  [[nodiscard]] std::optional<std::string> node_of_pod(const std::string& space,
                                                       const std::string& name,
                                                       const std::string& uid) const {
    const inventory::View view = inventory.view();
    for (const auto& pod : view.snapshot->pods_of(space)) {
      if (pod->name == name && pod->uid == uid && !uid.empty()) return pod->node;
    }
    return std::nullopt;
  }

  Result<void> serve() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(config.listen, door->credentials(), &port);
    // Two aggregators on one port would each get half of the agents.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(static_cast<int>(wire::kMessageBytesMax));
    Door::bound(builder);
    builder.RegisterService(report_service.get());
    builder.RegisterService(import_service.get());
    builder.RegisterService(query_service.get());
    if (door->enroll_service() != nullptr) builder.RegisterService(door->enroll_service());
    builder.RegisterService(backup_service.get());
    server = builder.BuildAndStart();
    if (server == nullptr) return fail("cannot listen on " + config.listen);
    return {};
  }

  void follow_inventory() {
    if (live != nullptr) {
      live->step();
      return show_readiness(inventory.view());
    }
    if (!feed) return;
    const auto changed = feed->poll(inventory);
    if (!changed) {
      if (changed.error().what != last_feed_error) {
        log::warn("the inventory is not the newest", {{"error", changed.error().what}});
      }
      last_feed_error = changed.error().what;
    } else {
      if (!last_feed_error.empty()) log::info("the inventory is the newest again");
      last_feed_error.clear();
    }
    const inventory::View view = inventory.view();
    if (changed && *changed) {
      log::info("inventory read",
                {{"namespaces", std::to_string(view.snapshot->model().namespaces.size())},
                 {"pods", std::to_string(view.snapshot->pod_count())}});
    }
    show_readiness(view);
  }

  // Flows are kept from the first moment; but what we answer before the first inventory would name
  // nobody.
  void show_readiness(const inventory::View& view) const {
    const bool ready = (!feed && live == nullptr) || view.snapshot->as_of() != TimePoint();
    telemetry->set_ready(ready, view.error);
    if (server != nullptr) server->GetHealthCheckService()->SetServingStatus(ready);
  }

  void keep() {
    keeper->step(std::chrono::steady_clock::now());
    meters->renew(*keeper, counters);
    meters->renew(inventory.view(), clock.now());
    if (const auto expiry = door->certificate_expiry()) meters->renew_certificate(expiry());
    if (live != nullptr) meters->renew(live->counts());
    if (ranges != nullptr) meters->renew(ranges->state(), clock.now());
    if (ticks % kSweepTicks == 0) namer.sweep();
    meters->renew(namer);
    if (ticks++ % kStoreMetersTicks == 0) meters->renew(*store, clock.now());
  }

  template <class Step>
  std::jthread every_tick(Step step) {
    return std::jthread([this, step](const std::stop_token& stop) {
      std::unique_lock lock(wait_mutex);
      while (!stop.stop_requested()) {
        lock.unlock();
        step();
        lock.lock();
        wait_signal.wait_for(lock, stop, kTick, [] { return false; });
      }
    });
  }
};

Result<std::unique_ptr<Pipeline>> Pipeline::start(const AggregatorConfig& config,
                                                  const Clock& clock, Outside outside) {
  auto rooms = std::make_unique<Rooms>(config, clock);
  auto telemetry = Telemetry::start(config.http_listen);
  if (!telemetry) return fail(std::move(telemetry).error().within("--http-listen"));
  rooms->telemetry = std::move(*telemetry);
  rooms->meters = std::make_unique<Meters>(rooms->telemetry->registry());
  Rooms& running = *rooms;
  auto door = Door::open(
      config, std::move(outside.ask), clock,
      [&running](const std::string& space, const std::string& pod, const std::string& uid) {
        return running.node_of_pod(space, pod, uid);
      });
  if (!door) return fail(std::move(door).error());
  rooms->door = std::move(*door);
  auto store = store::Store::open(config.data_dir, config.retention);
  if (!store) return fail(std::move(store).error().within("--data-dir"));
  rooms->store = std::move(*store);
  if (auto restored = rooms->namer.restore(*rooms->store); !restored) {
    return fail(std::move(restored).error().within("--data-dir"));
  }
  if (auto known = rooms->know(std::move(outside.feed)); !known)
    return fail(std::move(known).error());
  rooms->keeper = std::make_unique<Keeper>(*rooms->store, rooms->inventory, clock);
  rooms->start_feeds();
  rooms->make_services();
  rooms->follow_inventory();  // so that the first batches are attributed at once
  if (auto served = rooms->serve(); !served) {
    return fail(std::move(served).error().within("--listen"));
  }
  rooms->show_readiness(rooms->inventory.view());
  rooms->feed_thread = running.every_tick([&running] { running.follow_inventory(); });
  rooms->keeper_thread = running.every_tick([&running] { running.keep(); });
  return std::unique_ptr<Pipeline>(new Pipeline(std::move(rooms)));
}

Pipeline::Pipeline(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}

Pipeline::~Pipeline() {
  rooms_->end_streams.request_stop();
  rooms_->server->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
  rooms_->server->Wait();
}

int Pipeline::port() const {
  return rooms_->port > 1 ? rooms_->port : 0;
}
int Pipeline::http_port() const {
  return rooms_->telemetry->port();
}

}  // namespace outflow
