#include "aggregator/kube/watcher.h"

#include <algorithm>
#include <random>
#include <vector>

#include "common/log.h"
#include "common/mutex.h"

namespace outflow::kube {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 1s;
constexpr auto kBadLoggedEvery = 60s;

bool is_owner(Kind kind) {
  return resource_of(kind).metadata_only;
}

}  // namespace

// One kind: the reflector, as what takes the answers.
class Lane final : public Exchange {
 public:
  Lane(Kind kind, inventory::Sink& sink, const Clock& clock, Access& access,
       Reflector::Options options)
      : clock_(clock), access_(access), reflector_(kind, sink, std::move(options)) {}

  void head(int http_code, std::string_view content_type, std::int64_t retry_after) override {
    reflector_.head(http_code, content_type, retry_after);
  }
  bool body(std::string_view bytes) override { return reflector_.body(bytes, now()); }
  void alive(nanoseconds ago) override {
    const Now at = now();
    reflector_.alive({at.steady - ago, at.wall - ago});
  }
  void end(const std::string& broken) override {
    reflector_.end(broken, now());
    if (reflector_.unauthorized()) access_.refused();
    tell_trouble();
  }

  [[nodiscard]] Now now() const { return {std::chrono::steady_clock::now(), clock_.now()}; }
  [[nodiscard]] Reflector& reflector() { return reflector_; }

  // Logs what changed since the last call.
  void tell_trouble() {
    const std::string& trouble = reflector_.trouble();
    if (trouble.empty() == told_.empty()) return;
    const std::string kind(inventory::to_text(reflector_.kind()));
    if (trouble.empty()) {
      log::info("the API server tells of the kind again", {{"kind", kind}});
    } else if (reflector_.is_absent()) {
      // As in every cluster without Calico, or without that CRD.
      log::info("the kind is not to be had", {{"kind", kind}, {"error", trouble}});
    } else {
      log::warn("what is known of the kind may be out of date",
                {{"kind", kind}, {"error", trouble}});
    }
    told_ = trouble;
  }

 private:
  const Clock& clock_;
  Access& access_;
  Reflector reflector_;
  std::string told_;
};

struct Watcher::Rooms {
  Rooms(Access& access, inventory::Sink& sink, const Clock& clock, const Options& options)
      : client(access, {.http1 = options.http1}) {
    std::random_device entropy;
    for (const Kind kind : kAllKinds) {
      Reflector::Options own{
          .page_items = options.page_items,
          .watch_list = options.watch_list,
          .seed = entropy(),
          .bad = [this](Kind which, const std::string& why) { tell_bad(which, why); }};
      lanes.push_back(std::make_unique<Lane>(kind, sink, clock, access, std::move(own)));
    }
  }

  void tell_bad(Kind kind, const std::string& why) {
    SteadyTime& last = bad_logged[static_cast<std::size_t>(kind)];
    const SteadyTime now = std::chrono::steady_clock::now();
    if (last != SteadyTime() && now - last < kBadLoggedEvery) return;
    last = now;
    log::warn("an object cannot be read and is passed over", {{"error", why}});
  }

  [[nodiscard]] bool owners_settled() const {
    return std::all_of(lanes.begin(), lanes.end(), [](const auto& lane) {
      return !is_owner(lane->reflector().kind()) || lane->reflector().settled();
    });
  }

  // Starts what is due; how long until something else is.
  std::chrono::milliseconds start_due() {
    std::chrono::milliseconds wait = kTick;
    const bool pods = owners_settled();
    for (const auto& lane : lanes) {
      const auto due = lane->reflector().due();
      if (!due || (lane->reflector().kind() == Kind::Pod && !pods)) continue;
      const Now now = lane->now();
      if (*due <= now.steady) {
        client.start(lane->reflector().begin(now), *lane);
      } else {
        wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(*due - now.steady));
      }
    }
    return wait;
  }

  void tick() {
    for (const auto& lane : lanes) {
      if (lane->reflector().due()) continue;  // nothing under way
      if (!lane->reflector().tick(lane->now())) client.cancel(*lane);
      lane->tell_trouble();
    }
  }

  void publish() {
    const MutexLock lock(mutex);
    for (const auto& lane : lanes) {
      metrics.of_kind[static_cast<std::size_t>(lane->reflector().kind())] =
          lane->reflector().counts();
    }
    metrics.connections = client.connections();
  }

  Client client;
  std::vector<std::unique_ptr<Lane>> lanes;  // in the order of Kind: owners before pods
  std::array<SteadyTime, inventory::kKinds> bad_logged{};
  Mutex mutex;
  Metrics metrics GUARDED_BY(mutex);
};

Watcher::Watcher(Access& access, inventory::Sink& sink, const Clock& clock, Options options)
    : rooms_(std::make_unique<Rooms>(access, sink, clock, options)) {}
Watcher::~Watcher() = default;

void Watcher::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    rooms_->client.poll(rooms_->start_due(), stop);
    rooms_->tick();
    rooms_->publish();
  }
}

Metrics Watcher::metrics() const {
  const MutexLock lock(rooms_->mutex);
  return rooms_->metrics;
}

}  // namespace outflow::kube
