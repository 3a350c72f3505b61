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

void put_policy(const analysis::Finding& finding, const synthesis::GlobalNetworkPolicy& policy,
                v1::PolicyAnswer& answer) {
  v1::PolicyFile& file = *answer.add_items();
  file.set_namespace_(finding.namespace_name);
  file.set_path(path_of(finding.namespace_name));
  file.set_content(exporting::to_yaml(policy));
  file.set_rules(static_cast<std::uint32_t>(std::count_if(
      policy.egress.begin(), policy.egress.end(),
      [](const synthesis::Rule& rule) { return rule.action == synthesis::Action::Allow; })));
  file.set_commented(static_cast<std::uint32_t>(policy.comments.size()));
  put_horizon(finding.horizon, *file.mutable_horizon());
}

}  // namespace

grpc::Status answer(const Backend& backend, const v1::PolicyRequest& request,
                    v1::PolicyAnswer& answer) {
  if (!std::isfinite(request.order())) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "order: must be a finite number"};
  }
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  if (backend.needs_inventory && !question->has_inventory()) {
    return {grpc::StatusCode::UNAVAILABLE,
            fmt::format("no policy is made before the inventory was read (--inventory-file): {}",
                        question->context().inventory_error())};
  }
  *answer.mutable_context() = question->context();
  synthesis::Options options;
  if (request.order() != 0) options.order = request.order();
  for (const auto& name : question->judged()) {
    const auto finding = question->finding(name);
    if (!finding) return finding.error();
    if (const auto reason = refusal(*finding, request.allow_insufficient()); !reason.empty()) {
      refuse(*finding, reason, answer);
      continue;
    }
    const auto policy = synthesis::synthesize(*finding, question->snapshot(), options);
    if (!policy.refused.empty()) {
      refuse(*finding, policy.refused, answer);
    } else {
      put_policy(*finding, policy, answer);
    }
  }
  return grpc::Status::OK;
}

}  // namespace outflow::api
