// `outflow policy` and `outflow export`: one allowlist a namespace, or the reason there is none.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "aggregator/api/answers.h"
#include "aggregator/api/convert.h"
#include "aggregator/export/yaml.h"
#include "aggregator/synthesis/synthesize.h"

namespace outflow::api {
namespace {

std::string path_of(const std::string& namespace_name) {
  return fmt::format("egress-{}.yaml", namespace_name);
}

std::string why_not_enough(const analysis::Horizon& horizon) {
  const std::string worst = horizon.reasons.empty() ? "" : "; " + horizon.reasons.front();
  return fmt::format("{} of {} wanted days were observed whole{}", horizon.valid_days,
                     horizon.wanted_days, worst);
}

// Why no policy may be written on this evidence; "" when one may.
std::string refusal(const analysis::Finding& finding, bool allow_insufficient) {
  if (finding.horizon.enough()) return "";
  if (finding.unseen) {
    if (!finding.unseen->waiting_helps) return finding.unseen->why;
    return fmt::format("{}; a policy would deny all its egress on no evidence ({})",
                       finding.unseen->why, why_not_enough(finding.horizon));
  }
  return allow_insufficient ? "" : why_not_enough(finding.horizon);
}

void refuse(const analysis::Finding& finding, const std::string& reason, v1::PolicyAnswer& answer) {
  v1::RefusedNamespace& refused = *answer.add_refused();
  refused.set_namespace_(finding.namespace_name);
  refused.set_reason(reason);
  refused.set_path(path_of(finding.namespace_name));
  refused.set_flows(finding.records);
  put_horizon(finding.horizon, *refused.mutable_horizon());
}

grpc::Status put_policy(const analysis::Finding& finding,
                        const synthesis::GlobalNetworkPolicy& policy, v1::PolicyAnswer& answer) {
  auto content = exporting::to_yaml(policy);
  if (!content) return {grpc::StatusCode::INTERNAL, content.error().what};
  v1::PolicyFile& file = *answer.add_items();
  file.set_namespace_(finding.namespace_name);
  file.set_path(path_of(finding.namespace_name));
  file.set_content(*std::move(content));
  file.set_rules(static_cast<std::uint32_t>(std::count_if(
      policy.egress.begin(), policy.egress.end(),
      [](const synthesis::Rule& rule) { return rule.action == synthesis::Action::Allow; })));
  file.set_commented(static_cast<std::uint32_t>(policy.comments.size()));
  put_horizon(finding.horizon, *file.mutable_horizon());
  return grpc::Status::OK;
}

Answered<synthesis::Options> options_of(const v1::PolicyRequest& request) {
  const auto invalid = [](const std::string& what) {
    return tl::unexpected<grpc::Status>(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, what));
  };
  synthesis::Options options;
  if (!std::isfinite(request.order())) return invalid("order: must be a finite number");
  if (request.order() != 0) options.order = request.order();
  if (!request.dialect().empty()) {
    const auto dialect = synthesis::parse_dialect(request.dialect());
    if (!dialect) {
      return invalid(
          fmt::format("dialect: '{}' is none of calico-oss, calico-enterprise, calico-cloud",
                      request.dialect()));
    }
    options.dialect = *dialect;
  }
  if (!request.sets().empty()) {
    const auto sets = synthesis::parse_sets_mode(request.sets());
    if (!sets) return invalid(fmt::format("sets: '{}' is none of live, inline", request.sets()));
    options.sets = *sets;
  }
  return options;
}

// The policy of one namespace, or why there is none.
grpc::Status answer_namespace(const Question& question, const v1::PolicyRequest& request,
                              const synthesis::Options& options, const std::string& name,
                              v1::PolicyAnswer& answer) {
  const auto finding =
      question.finding(name, {.names = request.wildcard_names(), .days = request.wildcard_days()});
  if (!finding) return finding.error();
  if (const auto reason = refusal(*finding, request.allow_insufficient()); !reason.empty()) {
    refuse(*finding, reason, answer);
    return grpc::Status::OK;
  }
  const auto sets = question.name_sets(*finding);
  if (!sets) return sets.error();
  const auto policy = synthesis::synthesize(*finding, question.snapshot(), options, *sets);
  if (policy.refused.empty()) return put_policy(*finding, policy, answer);
  refuse(*finding, policy.refused, answer);
  return grpc::Status::OK;
}

}  // namespace

grpc::Status answer(const Backend& backend, const v1::PolicyRequest& request,
                    v1::PolicyAnswer& answer) {
  const auto options = options_of(request);
  if (!options) return options.error();
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  if (backend.needs_inventory && !question->has_inventory()) {
    return {grpc::StatusCode::UNAVAILABLE,
            fmt::format("no policy is made before the inventory was read (--inventory-file): {}",
                        question->context().inventory_error())};
  }
  *answer.mutable_context() = question->context();
  for (const auto& name : question->judged()) {
    auto status = answer_namespace(*question, request, *options, name, answer);
    if (!status.ok()) return status;
  }
  return grpc::Status::OK;
}

}  // namespace outflow::api
