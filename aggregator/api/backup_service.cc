#include "aggregator/api/backup_service.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/log.h"
#include "outflow/v1/query.grpc.pb.h"

namespace outflow::api {
namespace {

// Ends the call when nothing moved for a while: a write waits for its client without end.
class Watchdog {
 public:
  Watchdog(grpc::ServerContext& context, nanoseconds stall)
      : context_(context),
        stall_(stall),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  void moved() { ++moves_; }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    for (std::uint64_t seen = moves_; !stop.stop_requested(); seen = moves_) {
      signal_.wait_for(lock, stop, stall_, [] { return false; });
      if (!stop.stop_requested() && seen == moves_) return context_.TryCancel();
    }
  }

  grpc::ServerContext& context_;
  const nanoseconds stall_;
  std::atomic<std::uint64_t> moves_ = 0;
  std::mutex mutex_;
  std::condition_variable_any signal_;
  std::jthread thread_;
};

class BackupService final : public v1::Maintenance::Service {
 public:
  BackupService(const store::Store& store, const Clock& clock, MayBackUp may, nanoseconds stall)
      : store_(store), clock_(clock), may_(std::move(may)), stall_(stall) {}

  grpc::Status Backup(grpc::ServerContext* context, const v1::BackupRequest*,
                      grpc::ServerWriter<v1::BackupChunk>* out) override {
    if (auto allowed = may_(*context); !allowed.ok()) return allowed;
    if (running_.exchange(true)) {
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "another backup is running"};
    }
    auto status = send(*context, *out);
    running_ = false;
    return status;
  }

 private:
  grpc::Status send(grpc::ServerContext& context, grpc::ServerWriter<v1::BackupChunk>& out) {
    Watchdog watchdog(context, stall_);
    v1::BackupChunk chunk;
    std::uint64_t bytes = 0;
    const auto records = store_.backup(clock_.now(), [&](std::string_view part) {
      chunk.set_content(part.data(), part.size());
      bytes += part.size();
      watchdog.moved();
      return out.Write(chunk);
    });
    if (!records) {
      log::warn("a backup ended early",
                {{"peer", context.peer()}, {"error", records.error().what}});
      return {grpc::StatusCode::ABORTED, records.error().what};
    }
    log::info("a backup was taken", {{"peer", context.peer()},
                                     {"records", std::to_string(*records)},
                                     {"bytes", std::to_string(bytes)}});
    return grpc::Status::OK;
  }

  const store::Store& store_;
  const Clock& clock_;
  const MayBackUp may_;
  const nanoseconds stall_;
  std::atomic<bool> running_ = false;
};

}  // namespace

std::unique_ptr<grpc::Service> make_backup_service(const store::Store& store, const Clock& clock,
                                                   MayBackUp may, nanoseconds stall) {
  return std::make_unique<BackupService>(store, clock, std::move(may), stall);
}

}  // namespace outflow::api
