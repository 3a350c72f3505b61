// One function a question of query.proto. Each reads, judges with the pure rooms, and fills the
// message; OK, INVALID_ARGUMENT naming the field, or INTERNAL with the store's error.
#pragma once

#include <functional>

#include <grpcpp/support/status.h>

#include "aggregator/analysis/tier.h"
#include "aggregator/api/question.h"
#include "outflow/v1/query.pb.h"

namespace outflow::api {

[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::StatusRequest& request,
                                  v1::StatusAnswer& answer);
[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::CoverageRequest& request,
                                  v1::CoverageAnswer& answer);
[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::FanoutRequest& request,
                                  v1::FanoutAnswer& answer);
[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::TiersRequest& request,
                                  v1::TiersAnswer& answer);
[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::ExplainRequest& request,
                                  v1::ExplainAnswer& answer);
[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::PolicyRequest& request,
                                  v1::PolicyAnswer& answer);
[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::BaselineRequest& request,
                                  v1::BaselineAnswer& answer);
[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::NewRequest& request,
                                  v1::NewAnswer& answer);
[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::PlanRequest& request,
                                  v1::PlanAnswer& answer);
[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::SetsRequest& request,
                                  v1::SetsAnswer& answer);
[[nodiscard]] grpc::Status answer(const Backend& backend, const v1::DoctorRequest& request,
                                  v1::DoctorAnswer& answer);

// Flows are never all in memory: `send` gets them in parts of kFlowsPartMax, the first with the
// context; it returns false when nobody reads any more.
inline constexpr int kFlowsPartMax = 1000;
using SendFlows = std::function<bool(const v1::FlowsAnswer&)>;
[[nodiscard]] grpc::Status answer_flows(const Backend& backend, const v1::FlowsRequest& request,
                                        const SendFlows& send);

// "", "default", "study".
[[nodiscard]] Answered<analysis::Preset> preset_of(const std::string& name);

}  // namespace outflow::api
