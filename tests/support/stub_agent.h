// An agent as the aggregator meets it: batches out, acknowledgements in, on one stream that is
// opened again after it broke. And raw calls, for what no agent of ours would send.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "common/flow.h"
#include "common/net/address.h"
#include "common/text.h"
#include "outflow/v1/flow.grpc.pb.h"
#include "proto/wire.h"

namespace outflow::test {

inline std::shared_ptr<grpc::Channel> connect(
    const std::string& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials =
                                   grpc::InsecureChannelCredentials()) {
  grpc::ChannelArguments arguments;
  // A channel of its own, which looks for a server that comes back without waiting long.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  return grpc::CreateCustomChannel(target, credentials, arguments);
}

class StubAgent {
 public:
  explicit StubAgent(const std::string& target) : StubAgent(connect(target)) {}
  explicit StubAgent(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::FlowIngest::NewStub(channel)) {}
  ~StubAgent() {
    if (stream_ != nullptr) context_->TryCancel();
  }
  StubAgent(const StubAgent&) = delete;
  StubAgent& operator=(const StubAgent&) = delete;

  // OK when the batch was acknowledged.
  grpc::Status send(const v1::Batch& batch) {
    if (!write(batch)) return broken();
    v1::Acknowledgement acknowledgement;
    if (!stream_->Read(&acknowledgement)) return broken();
    if (acknowledgement.sequence() == batch.sequence()) return grpc::Status::OK;
    return {grpc::StatusCode::INTERNAL, "another sequence was acknowledged"};
  }
  grpc::Status send(const Report& report) { return send(wire::to_batch(report)); }

  // Without waiting for the acknowledgement.
  bool write(const v1::Batch& batch) {
    if (stream_ == nullptr) {
      context_ = std::make_unique<grpc::ClientContext>();
      context_->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
      stream_ = stub_->Report(context_.get());
    }
    return stream_->Write(batch);
  }

  // The agent's end of the stream; gives how the call ended.
  grpc::Status close() {
    if (stream_ == nullptr) return grpc::Status::OK;
    stream_->WritesDone();
    return broken();
  }

 private:
  grpc::Status broken() {
    const grpc::Status status = stream_->Finish();
    stream_.reset();
    return status.ok() ? grpc::Status(grpc::StatusCode::ABORTED, "the stream ended") : status;
  }

  std::unique_ptr<v1::FlowIngest::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::Batch, v1::Acknowledgement>> stream_;
};

struct RawAnswer {
  grpc::Status status;
  std::string message;  // the first one
};

// Calls a streaming method with one message of any bytes.
inline RawAnswer raw_call(const std::string& target, const std::string& method,
                          const std::string& bytes) {
  grpc::GenericStub stub(connect(target));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, method, &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  const grpc::Slice slice(bytes);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  queue.Next(&tag, &ok);
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  queue.Next(&tag, &ok);
  RawAnswer result;
  std::vector<grpc::Slice> slices;
  if (ok && answer.Dump(&slices).ok()) {
    for (const grpc::Slice& part : slices) {
      result.message.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
  }
  if (ok) context.TryCancel();  // answered: a stream would go on
  call->Finish(&result.status, nullptr);
  queue.Next(&tag, &ok);
  queue.Shutdown();
  return result;
}

inline constexpr const char* kReportStart = "2026-05-18T12:00:00Z";

// The batch `sequence` of a node: ten seconds after the one before, `flows` flows of one packet
// each to 192.0.2.10, ports 1 and up, from pod 10.244.3.17 behind cali814aae5e834.
inline Report sample_report(std::uint64_t sequence, std::uint16_t flows = 1,
                            const std::string& node = "k8s-w1") {
  const TimePoint start =
      *parse_time(kReportStart) + std::chrono::seconds(10) * static_cast<int>(sequence);
  const net::Address pod = *net::Address::parse("10.244.3.17");
  Report report;
  report.node = node;
  report.boot = {7};
  report.sequence = sequence;
  report.interval = {start, start + std::chrono::seconds(10)};
  report.interfaces = {{.id = 5, .name = "cali814aae5e834", .addresses = {pod}}};
  for (std::uint16_t port = 1; port <= flows; ++port) {
    Flow flow;
    flow.key = {5, *net::Address::parse("192.0.2.10"), port, Protocol::Tcp};
    flow.source = pod;
    flow.stats = {.packets = 1,
                  .bytes = 60,
                  .attempts = 1,
                  .established = 1,
                  .refused = 0,
                  .flags = 0,
                  .first_seen = start,
                  .last_seen = start};
    report.flows.push_back(flow);
  }
  return report;
}

}  // namespace outflow::test
