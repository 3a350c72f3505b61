#include "agent/uplink.h"

#include <algorithm>
#include <random>

#include <grpcpp/grpcpp.h>

#include "common/log.h"
#include "common/text.h"
#include "outflow/v1/flow.grpc.pb.h"
#include "proto/credentials.h"
#include "proto/wire.h"

namespace outflow::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kPoll = 100ms;  // how soon a stop is noticed

// One stream, spoken in lock step with deadlines: the synchronous API has none for a single answer.
class Conversation {
 public:
  Conversation(const std::shared_ptr<grpc::Channel>& channel, nanoseconds timeout)
      : timeout_(timeout), stub_(v1::FlowIngest::NewStub(channel)) {
    stream_ = stub_->AsyncReport(&context_, &queue_, this);
    pending_ = true;
  }
  ~Conversation() {
    context_.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // True when the aggregator acknowledged the batch; false when the stream is over (see status()).
  bool send(const v1::Batch& batch, const std::stop_token& stop) {
    if (pending_ && !wait(stop)) return false;  // the stream itself must stand first
    stream_->Write(batch, this);
    if (!wait(stop)) return false;
    do {
      stream_->Read(&answer_, this);
      if (!wait(stop)) return false;
    } while (answer_.sequence() < batch.sequence());
    return true;
  }

  grpc::Status status(const std::stop_token& stop) {
    if (timed_out_) {
      return {grpc::StatusCode::DEADLINE_EXCEEDED,
              "no acknowledgement within " + to_text(timeout_)};
    }
    if (stop.stop_requested()) return grpc::Status::CANCELLED;
    stream_->Finish(&status_, this);
    // A stream whose end does not come either is no better than one that timed out.
    if (!wait(stop)) return {grpc::StatusCode::DEADLINE_EXCEEDED, "the stream does not end"};
    return status_;
  }

 private:
  bool wait(const std::stop_token& stop) {
    const auto deadline = std::chrono::steady_clock::now() + timeout_;
    while (!stop.stop_requested() && std::chrono::steady_clock::now() < deadline) {
      void* tag = nullptr;
      bool ok = false;
      const auto event = queue_.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + kPoll);
      if (event == grpc::CompletionQueue::GOT_EVENT) {
        pending_ = false;
        return ok;
      }
    }
    timed_out_ = !stop.stop_requested();
    return false;
  }

  const nanoseconds timeout_;
  // What an operation that is under way writes to: it may end after we stopped waiting for it.
  v1::Acknowledgement answer_;
  grpc::Status status_;
  std::unique_ptr<v1::FlowIngest::Stub> stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::Batch, v1::Acknowledgement>> stream_;
  bool pending_ = false;
  bool timed_out_ = false;
};

}  // namespace

namespace {

void tell(const grpc::Status& status) {
  const std::string text = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
      return log::error("the aggregator cannot read a batch, it is held", {{"error", text}});
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return log::error("the aggregator does not let us report, flows are kept and merged",
                        {{"error", text}});
    default:
      return log::warn("the aggregator is away, flows are kept and merged", {{"error", text}});
  }
}

}  // namespace

std::shared_ptr<grpc::Channel> connect(const std::string& endpoint,
                                       const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                       const std::string& server_name) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // the endpoint as told, http_proxy or not
  tls::expect_server_name(server_name, arguments);
  return grpc::CreateCustomChannel(endpoint, credentials, arguments);
}

Uplink::Uplink(const std::string& endpoint, const Timing& timing)
    : Uplink(Way{.connect =
                     [endpoint] {
                       return agent::connect(endpoint, grpc::InsecureChannelCredentials());
                     }},
             timing) {}

Uplink::Uplink(Way way, const Timing& timing)
    : way_(std::move(way)),
      timing_(timing),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Uplink::~Uplink() = default;

void Uplink::submit(std::vector<std::string> batches) {
  const std::lock_guard lock(mutex_);
  batches_ = std::move(batches);
  changed_.notify_all();
}

bool Uplink::idle() const {
  const std::lock_guard lock(mutex_);
  return batches_.empty();
}

bool Uplink::wait_idle(nanoseconds time) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return batches_.empty(); });
}

Uplink::Counts Uplink::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::string Uplink::front() const {
  const std::lock_guard lock(mutex_);
  return batches_.front();
}

void Uplink::acknowledged() {
  const std::lock_guard lock(mutex_);
  batches_.erase(batches_.begin());
  ++counts_.acknowledged;
  counts_.last_acknowledged = SystemClock().now();
  changed_.notify_all();
}

void Uplink::run(const std::stop_token& stop) {
  std::mt19937 random(std::random_device{}());
  nanoseconds backoff = timing_.backoff_min;
  TimePoint away_since{};
  std::unique_ptr<Conversation> conversation;
  std::uint64_t generation = way_.generation();

  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !batches_.empty(); })) return;
      ++counts_.sent;
    }
    v1::Batch batch;
    const bool parsed = batch.ParseFromString(front());
    if (!parsed) log::error("a batch of the state file does not parse", {});
    if (way_.generation() != generation) conversation.reset();
    grpc::Status status(grpc::StatusCode::UNAVAILABLE, "");
    if (conversation == nullptr) {
      generation = way_.generation();
      if (const auto channel = way_.connect()) {
        conversation = std::make_unique<Conversation>(*channel, timing_.ack_timeout);
      } else {
        status = {grpc::StatusCode::UNAVAILABLE, channel.error().what};
      }
    }
    if (parsed && conversation != nullptr && conversation->send(batch, stop)) {
      acknowledged();
      backoff = timing_.backoff_min;
      if (away_since != TimePoint()) {
        log::info("the aggregator is back", {{"after", to_text(SystemClock().now() - away_since)}});
        away_since = {};
      }
      continue;
    }
    if (conversation != nullptr) status = conversation->status(stop);
    conversation.reset();
    if (stop.stop_requested()) return;
    const bool refused = status.error_code() == grpc::StatusCode::INVALID_ARGUMENT;
    if (away_since == TimePoint()) {
      away_since = SystemClock().now();
      tell(status);
    }
    std::unique_lock lock(mutex_);
    ++counts_.reconnects;
    if (refused) ++counts_.refused;
    std::uniform_int_distribution<std::int64_t> jitter(backoff.count() / 2, backoff.count());
    changed_.wait_for(lock, stop, nanoseconds(jitter(random)), [] { return false; });
    backoff = std::min(backoff * 2, timing_.backoff_max);
  }
}

}  // namespace outflow::agent
