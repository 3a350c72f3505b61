#include "aggregator/api/service.h"

#include <utility>

#include "aggregator/api/answers.h"
#include "outflow/v1/query.grpc.pb.h"

namespace outflow::api {
namespace {

using grpc::ServerContext;

class QueryService final : public v1::Query::Service {
 public:
  QueryService(const Backend& backend, SightOf sight_of)
      : backend_(backend), sight_of_(std::move(sight_of)) {}

  grpc::Status Status(ServerContext* context, const v1::StatusRequest* in,
                      v1::StatusAnswer* out) override {
    return reply(*context, *in, *out);
  }
  grpc::Status Coverage(ServerContext* context, const v1::CoverageRequest* in,
                        v1::CoverageAnswer* out) override {
    return reply(*context, *in, *out);
  }
  grpc::Status Fanout(ServerContext* context, const v1::FanoutRequest* in,
                      v1::FanoutAnswer* out) override {
    return reply(*context, *in, *out);
  }
  grpc::Status Tiers(ServerContext* context, const v1::TiersRequest* in,
                     v1::TiersAnswer* out) override {
    return reply(*context, *in, *out);
  }
  grpc::Status Flows(ServerContext* context, const v1::FlowsRequest* in,
                     grpc::ServerWriter<v1::FlowsAnswer>* out) override {
    const auto seen = backend_for(*context);
    if (!seen) return seen.error();
    return answer_flows(*seen, *in,
                        [out](const v1::FlowsAnswer& part) { return out->Write(part); });
  }
  grpc::Status Explain(ServerContext* context, const v1::ExplainRequest* in,
                       v1::ExplainAnswer* out) override {
    return reply(*context, *in, *out);
  }
  grpc::Status Policy(ServerContext* context, const v1::PolicyRequest* in,
                      v1::PolicyAnswer* out) override {
    return reply(*context, *in, *out);
  }
  grpc::Status Baseline(ServerContext* context, const v1::BaselineRequest* in,
                        v1::BaselineAnswer* out) override {
    return reply(*context, *in, *out);
  }
  grpc::Status New(ServerContext* context, const v1::NewRequest* in, v1::NewAnswer* out) override {
    return reply(*context, *in, *out);
  }
  grpc::Status Plan(ServerContext* context, const v1::PlanRequest* in,
                    v1::PlanAnswer* out) override {
    return reply(*context, *in, *out);
  }
  grpc::Status Sets(ServerContext* context, const v1::SetsRequest* in,
                    v1::SetsAnswer* out) override {
    return reply(*context, *in, *out);
  }
  grpc::Status Doctor(ServerContext* context, const v1::DoctorRequest* in,
                      v1::DoctorAnswer* out) override {
    return reply(*context, *in, *out);
  }

 private:
  [[nodiscard]] Answered<Backend> backend_for(const ServerContext& context) const {
    auto sight = sight_of_(context);
    if (!sight) return tl::unexpected<grpc::Status>(std::move(sight).error());
    Backend seen = backend_;
    seen.may_see = *std::move(sight);
    return seen;
  }
  template <class Request, class Answer>
  [[nodiscard]] grpc::Status reply(const ServerContext& context, const Request& request,
                                   Answer& out) const {
    const auto seen = backend_for(context);
    return seen ? answer(*seen, request, out) : seen.error();
  }

  const Backend backend_;
  const SightOf sight_of_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_query_service(const Backend& backend, SightOf sight_of) {
  return std::make_unique<QueryService>(backend, std::move(sight_of));
}

Result<v1::Context> context_of(const Backend& backend) {
  const auto question = Question::ask(backend, v1::Scope());
  if (!question) return fail(question.error().error_message());
  return question->context();
}

}  // namespace outflow::api
