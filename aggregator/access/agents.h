// Which agent may report what: the door of FlowIngest.
//
// A stream is admitted once, by the identity of its connection, and every batch is looked at before
// it is kept. An agent reports for the node its certificate names and for no other; a second stream
// of a node ends the first, so that one identity holds one; and what a node reports is limited
// (limits.h). What is refused is counted by reason. Thread-safe; one object for all streams.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <grpcpp/support/status.h>

#include "aggregator/access/identity.h"
#include "aggregator/access/limits.h"
#include "common/clock.h"
#include "common/flow.h"
#include "common/mutex.h"

namespace outflow::access {

class Agents {
 public:
  // What became of a batch that is not kept. `reason` is one of a few words, for counting.
  struct Refusal {
    std::string reason;
    grpc::Status status;
  };

  // One stream, from its beginning to its end.
  class Stream {
   public:
    Stream(Agents& agents, Identity identity);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Requested when a newer stream of the same node was admitted.
    [[nodiscard]] std::stop_token replaced() const { return replaced_.get_token(); }
    // nullopt: the report may be kept, and is what the limits leave of it. Called for every batch,
    // by one thread at a time.
    [[nodiscard]] std::optional<Refusal> check(Report& report);

   private:
    Agents& agents_;
    const Identity identity_;
    std::stop_source replaced_;
  };

  Agents(bool is_tls, const AgentLimits& limits, const Clock& clock)
      : is_tls_(is_tls), clock_(clock), limiter_(limits, clock) {}

  struct Admission {
    std::unique_ptr<Stream> stream;  // null: refused
    Refusal refusal;
  };
  // The Agents outlive the stream.
  [[nodiscard]] Admission admit(const grpc::ServerContextBase& context);

 private:
  std::optional<Refusal> limit(Report& report);
  void enter(const std::string& node, const std::stop_source& replaced);
  void leave(const std::string& node, const std::stop_source& replaced);

  const bool is_tls_;
  const Clock& clock_;
  Limiter limiter_;
  Mutex mutex_;
  std::map<std::string, std::stop_source> streams_ GUARDED_BY(mutex_);  // by node
};

}  // namespace outflow::access
