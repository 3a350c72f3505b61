// FlowIngest: agents' batches in, acknowledgements out, in lock step: read, merge, acknowledge,
// read. One agent can so never run ahead of the disk, and a stream costs no thread.
//
// A batch is acknowledged after the sink returned, so the sink returns once it is on disk. What
// cannot be read ends the stream with INVALID_ARGUMENT naming the field; a sink that fails ends it
// with UNAVAILABLE, unacknowledged, so the agent sends the batch again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include <grpcpp/impl/codegen/service_type.h>

#include "aggregator/access/agents.h"
#include "common/flow.h"
#include "common/mutex.h"
#include "common/result.h"

namespace outflow::ingest {

// What became of the batches since the start. Any thread may read or add.
struct IngestCounters {
  std::atomic<std::uint64_t> merged = 0;
  std::atomic<std::uint64_t> repeated = 0;
  std::atomic<std::uint64_t> failed = 0;  // the sink failed; the agent tries again
  std::atomic<std::uint64_t> flows = 0;   // of merged batches
  std::atomic<std::int64_t> streams = 0;  // open now
  std::atomic<std::int64_t> held = 0;     // batches that wait for the inventory now
  // What became of those that were not known at once: they were in time, after a wait that was not
  // enough, and without any wait because too many waited.
  std::atomic<std::uint64_t> waited = 0;
  std::atomic<std::uint64_t> waited_in_vain = 0;
  std::atomic<std::uint64_t> not_held = 0;

  void refuse(const std::string& field);
  [[nodiscard]] std::map<std::string, std::uint64_t> refused() const;  // by the field at fault

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::uint64_t> refused_ GUARDED_BY(mutex_);
};

// True: merged. False: a repeat, which is acknowledged too. Called on gRPC's threads, for many
// streams at once.
using ReportSink = std::function<Result<bool>(Report)>;

// How long a batch waits for an inventory that can name everybody in it. A batch is held in its
// stream, without a thread; beyond `held_max` streams that wait, none waits.
struct Patience {
  std::function<bool(const Report&)> knows_all;  // none: nothing waits
  std::chrono::nanoseconds wait_max{0};
  std::int64_t held_max = 1024;
};

// `agents` says who may report what; it and `counters` outlive the service. Agents keep their
// streams open for ever: a request to stop ends those that are idle, so that a shutdown need not
// wait for its deadline.
[[nodiscard]] std::unique_ptr<grpc::Service> make_report_service(ReportSink sink,
                                                                 IngestCounters& counters,
                                                                 access::Agents& agents,
                                                                 std::stop_token stop = {},
                                                                 Patience patience = {});

}  // namespace outflow::ingest
