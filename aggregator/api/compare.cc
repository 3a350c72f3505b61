// `outflow baseline`, `outflow new`, `outflow plan`: namespaces beside each other, days beside each
// other.
#include <fmt/format.h>

#include "aggregator/analysis/baseline.h"
#include "aggregator/analysis/novelty.h"
#include "aggregator/analysis/plan.h"
#include "aggregator/api/answers.h"
#include "aggregator/api/convert.h"
#include "common/text.h"

namespace outflow::api {
namespace {

constexpr std::uint32_t kPercentMax = 100;

void put_new(const analysis::NoveltyRow& row, v1::NewRow& item) {
  item.set_namespace_(row.namespace_name);
  item.set_peer_kind(std::string(attribution::to_text(row.need.peer.kind)));
  item.set_peer(attribution::display_name(row.need.peer));
  item.set_port(row.need.port);
  item.set_protocol(to_text(row.need.protocol));
  item.set_first_seen(time_text(row.need.stats.first_seen));
  item.set_established(row.need.stats.established);
  item.set_attempts(row.need.stats.attempts);
  item.set_workload(analysis::workloads_text(row.need));
  item.set_change(std::string(analysis::to_text(row.change)));
}

}  // namespace

grpc::Status answer(const Backend& backend, const v1::BaselineRequest& request,
                    v1::BaselineAnswer& answer) {
  if (request.percent() > kPercentMax) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "percent: must be at most 100"};
  }
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  const auto findings = question->findings(question->judged_with_data());
  if (!findings) return findings.error();
  *answer.mutable_context() = question->context();
  const analysis::Baseline baseline = analysis::baseline(*findings, request.percent());
  answer.set_observed_namespaces(baseline.observed_namespaces);
  for (const auto& row : baseline.rows) {
    v1::BaselineRow& item = *answer.add_items();
    item.set_peer_kind(std::string(attribution::to_text(row.peer.kind)));
    item.set_peer(attribution::display_name(row.peer));
    item.set_port(row.port);
    item.set_protocol(to_text(row.protocol));
    item.set_namespaces(row.namespaces);
    item.set_percent(row.percent);
    for (const auto& name : row.missing) item.add_missing(name);
  }
  return grpc::Status::OK;
}

grpc::Status answer(const Backend& backend, const v1::NewRequest& request, v1::NewAnswer& answer) {
  if (request.since_ns() <= 0) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "since_ns: must be above 0"};
  }
  // What is new can only be told from all that came before.
  v1::Scope scope = request.scope();
  scope.set_window_ns(0);
  const auto question = Question::ask(backend, scope);
  if (!question) return question.error();
  const auto findings = question->findings(question->judged_with_data());
  if (!findings) return findings.error();
  *answer.mutable_context() = question->context();
  const Interval span{question->now() - nanoseconds(request.since_ns()), question->now()};
  answer.set_since(to_text(span.start));
  for (const auto& row : analysis::novelty(*findings, span)) put_new(row, *answer.add_items());
  return grpc::Status::OK;
}

grpc::Status answer(const Backend& backend, const v1::PlanRequest& request,
                    v1::PlanAnswer& answer) {
  const auto preset = preset_of(request.preset());
  if (!preset) return preset.error();
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  const auto findings = question->findings(question->judged());
  if (!findings) return findings.error();
  *answer.mutable_context() = question->context();
  answer.set_rule_set(analysis::rule_set(*preset));
  for (const auto& row : analysis::plan(*findings, *preset, request.max_per_day())) {
    v1::PlanRow& item = *answer.add_items();
    item.set_wave(row.wave);
    item.set_namespace_(row.namespace_name);
    item.set_tier(analysis::to_text(row.tier));
    item.set_reason(row.reason);
    put_horizon(row.horizon, *item.mutable_horizon());
  }
  return grpc::Status::OK;
}

}  // namespace outflow::api
