// `outflow flows`: every record, streamed in the order it is kept.
#include "aggregator/api/answers.h"
#include "aggregator/api/convert.h"

namespace outflow::api {

grpc::Status answer_flows(const Backend& backend, const v1::FlowsRequest& request,
                          const SendFlows& send) {
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  v1::FlowsAnswer part;
  *part.mutable_context() = question->context();
  if (!send(part)) return grpc::Status::OK;
  part.Clear();
  std::uint64_t left =
      request.limit() == 0 ? std::numeric_limits<std::uint64_t>::max() : request.limit();
  bool reading = true;
  for (const auto& name : question->namespaces()) {
    if (left == 0 || !reading) break;
    const auto status = question->scan(name, [&](const store::History& history) {
      put_flow(history, *part.add_items());
      --left;
      if (part.items_size() == kFlowsPartMax) {
        reading = send(part);
        part.Clear();
      }
      return left > 0 && reading;
    });
    if (!status.ok()) return status;
  }
  if (reading && part.items_size() > 0) static_cast<void>(send(part));
  return grpc::Status::OK;
}

}  // namespace outflow::api
