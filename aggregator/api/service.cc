#include "aggregator/api/service.h"

#include <utility>

#include "aggregator/api/answers.h"
#include "outflow/v1/query.grpc.pb.h"

namespace outflow::api {
namespace {

using grpc::ServerContext;

class QueryService final : public v1::Query::Service {
 public:
  explicit QueryService(Backend backend) : backend_(std::move(backend)) {}

  grpc::Status Status(ServerContext*, const v1::StatusRequest* in, v1::StatusAnswer* out) override {
    return answer(backend_, *in, *out);
  }
  grpc::Status Coverage(ServerContext*, const v1::CoverageRequest* in,
                        v1::CoverageAnswer* out) override {
    return answer(backend_, *in, *out);
  }
  grpc::Status Fanout(ServerContext*, const v1::FanoutRequest* in, v1::FanoutAnswer* out) override {
    return answer(backend_, *in, *out);
  }
  grpc::Status Tiers(ServerContext*, const v1::TiersRequest* in, v1::TiersAnswer* out) override {
    return answer(backend_, *in, *out);
  }
  grpc::Status Flows(ServerContext*, const v1::FlowsRequest* in,
                     grpc::ServerWriter<v1::FlowsAnswer>* out) override {
    return answer_flows(backend_, *in,
                        [out](const v1::FlowsAnswer& part) { return out->Write(part); });
  }
  grpc::Status Explain(ServerContext*, const v1::ExplainRequest* in,
                       v1::ExplainAnswer* out) override {
    return answer(backend_, *in, *out);
  }
  grpc::Status Policy(ServerContext*, const v1::PolicyRequest* in, v1::PolicyAnswer* out) override {
    return answer(backend_, *in, *out);
  }
  grpc::Status Baseline(ServerContext*, const v1::BaselineRequest* in,
                        v1::BaselineAnswer* out) override {
    return answer(backend_, *in, *out);
  }
  grpc::Status New(ServerContext*, const v1::NewRequest* in, v1::NewAnswer* out) override {
    return answer(backend_, *in, *out);
  }
  grpc::Status Plan(ServerContext*, const v1::PlanRequest* in, v1::PlanAnswer* out) override {
    return answer(backend_, *in, *out);
  }
  grpc::Status Doctor(ServerContext*, const v1::DoctorRequest* in, v1::DoctorAnswer* out) override {
    return answer(backend_, *in, *out);
  }

 private:
  const Backend backend_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_query_service(const Backend& backend) {
  return std::make_unique<QueryService>(backend);
}

Result<v1::Context> context_of(const Backend& backend) {
  const auto question = Question::ask(backend, v1::Scope());
  if (!question) return fail(question.error().error_message());
  return question->context();
}

}  // namespace outflow::api
