#include "aggregator/ingest/report_service.h"

#include <chrono>
#include <optional>
#include <utility>

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include "common/log.h"
#include "outflow/v1/flow.grpc.pb.h"
#include "proto/wire.h"

namespace outflow::ingest {
namespace {

// Messages are read as bytes, because gRPC tells a message that cannot be parsed and the end of the
// stream alike.
using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

// "flows.protocol[7]: out of range" is counted as "flows.protocol": as many labels as fields.
std::string field_of(const std::string& error) {
  return error.substr(0, error.find_first_of("[:"));
}

Result<Report> read_report(grpc::ByteBuffer& bytes) {
  v1::Batch batch;
  const grpc::Status parsed = grpc::SerializationTraits<v1::Batch>::Deserialize(&bytes, &batch);
  if (!parsed.ok()) return fail("batch: not a message of outflow.v1.Batch");
  return wire::to_report(batch);
}

// How often a batch that waits looks at the inventory.
constexpr auto kLookEvery = std::chrono::milliseconds(100);

// What all streams share.
struct Shared {
  const ReportSink sink;
  IngestCounters& counters;
  access::Agents& agents;
  const std::stop_token stop;
  const Patience patience;
};

// One agent's stream. gRPC calls one method at a time; the object ends itself with the call.
class Stream final : public Reactor {
 public:
  Stream(const Shared& shared, grpc::CallbackServerContext* context,
         std::unique_ptr<access::Agents::Stream> admitted)
      : shared_(shared),
        counters_(shared.counters),
        peer_(context->peer()),
        admitted_(std::move(admitted)),
        cancel_(shared.stop, Cancel{context}),
        cancel_replaced_(admitted_->replaced(), Cancel{context}) {
    ++counters_.streams;
    StartRead(&in_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);  // the agent is done, or gone
    auto report = read_report(in_);
    in_.Clear();  // streams are idle most of the time and shall not keep a batch
    if (!report) {
      return refuse(field_of(report.error().what),
                    {grpc::StatusCode::INVALID_ARGUMENT, report.error().what});
    }
    if (auto refusal = admitted_->check(*report)) return refuse(refusal->reason, refusal->status);
    if (must_wait(*report)) return;
    take(std::move(*report));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the agent is gone"));
    StartRead(&in_);
  }

  void OnDone() override {
    --counters_.streams;
    delete this;
  }

 private:
  void refuse(const std::string& reason, const grpc::Status& status) {
    counters_.refuse(reason);
    log::warn("a batch was refused; its agent will send it again",
              {{"peer", peer_}, {"error", status.error_message()}});
    Finish(status);
  }

  // True when the batch is held; the alarm goes on with it. The call is not over before we finish
  // it, so the stream outlives the alarm.
  bool must_wait(Report& report) {
    const Patience& patience = shared_.patience;
    if (!patience.knows_all || patience.wait_max <= std::chrono::nanoseconds(0)) return false;
    if (patience.knows_all(report)) return false;
    if (++counters_.held > patience.held_max) {
      --counters_.held;
      ++counters_.not_held;
      return false;
    }
    held_ = std::move(report);
    give_up_ = std::chrono::steady_clock::now() + patience.wait_max;
    look_later();
    return true;
  }

  void look_later() {
    alarm_.emplace();
    alarm_->Set(std::chrono::system_clock::now() + kLookEvery, [this](bool /*ok*/) { look(); });
  }

  void look() {
    const bool known = shared_.patience.knows_all(held_);
    const bool over = shared_.stop.stop_requested() || std::chrono::steady_clock::now() >= give_up_;
    if (!known && !over) return look_later();
    --counters_.held;
    ++(known ? counters_.waited : counters_.waited_in_vain);
    take(std::exchange(held_, {}));
  }

  void take(Report report) {
    const std::uint64_t sequence = report.sequence;
    const std::size_t flows = report.flows.size();
    const auto merged = shared_.sink(std::move(report));
    if (!merged) {
      ++counters_.failed;
      log::error("a batch could not be kept; its agent will send it again",
                 {{"peer", peer_}, {"error", merged.error().what}});
      return Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, merged.error().what));
    }
    if (*merged) {
      ++counters_.merged;
      counters_.flows += flows;
    } else {
      ++counters_.repeated;
    }
    v1::Acknowledgement acknowledgement;
    acknowledgement.set_sequence(sequence);
    bool own = false;
    const grpc::Status written =
        grpc::SerializationTraits<v1::Acknowledgement>::Serialize(acknowledgement, &out_, &own);
    if (!written.ok()) return Finish(written);
    StartWrite(&out_);
  }

  struct Cancel {
    grpc::CallbackServerContext* context;
    void operator()() const { context->TryCancel(); }
  };

  const Shared& shared_;
  IngestCounters& counters_;
  const std::string peer_;
  grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;
  const std::unique_ptr<access::Agents::Stream> admitted_;
  Report held_;
  std::chrono::steady_clock::time_point give_up_;
  std::optional<grpc::Alarm> alarm_;
  const std::stop_callback<Cancel> cancel_;
  const std::stop_callback<Cancel> cancel_replaced_;
};

// A stream that ends before it begins.
class Refused final : public Reactor {
 public:
  explicit Refused(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

class ReportService final
    : public v1::FlowIngest::WithRawCallbackMethod_Report<v1::FlowIngest::Service> {
 public:
  explicit ReportService(Shared shared) : shared_(std::move(shared)) {}

  Reactor* Report(grpc::CallbackServerContext* context) override {
    auto admission = shared_.agents.admit(*context);
    if (admission.stream == nullptr) {
      shared_.counters.refuse(admission.refusal.reason);
      return new Refused(admission.refusal.status);
    }
    return new Stream(shared_, context, std::move(admission.stream));
  }

 private:
  const Shared shared_;
};

}  // namespace

void IngestCounters::refuse(const std::string& field) {
  const MutexLock lock(mutex_);
  ++refused_[field];
}

std::map<std::string, std::uint64_t> IngestCounters::refused() const {
  const MutexLock lock(mutex_);
  return refused_;
}

std::unique_ptr<grpc::Service> make_report_service(ReportSink sink, IngestCounters& counters,
                                                   access::Agents& agents, std::stop_token stop,
                                                   Patience patience) {
  return std::make_unique<ReportService>(
      Shared{std::move(sink), counters, agents, std::move(stop), std::move(patience)});
}

}  // namespace outflow::ingest
