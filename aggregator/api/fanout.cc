// `outflow fanout` and `outflow tiers`: one row a namespace with evidence, or named.
#include "aggregator/analysis/fanout.h"

#include <map>
#include <tuple>

#include <fmt/format.h>

#include "aggregator/api/answers.h"
#include "aggregator/api/convert.h"

namespace outflow::api {
namespace {

// A protocol without a name must not be read as a port: "proto-47".
std::string port_text(std::uint16_t port, Protocol protocol) {
  const std::string name = to_text(protocol);
  const bool is_number = name.front() >= '0' && name.front() <= '9';
  if (port == 0) return is_number ? "proto-" + name : name;
  return fmt::format("{}/{}", port, name);
}

// What the needs say besides the counts: ports of other namespaces' peers, times, kinds of
// evidence.
void put_needs(const analysis::Finding& finding, v1::NamespaceFanout& item) {
  std::set<std::pair<std::uint16_t, Protocol>> ports;
  FlowStats stats;
  bool from_agent = false;
  bool from_log = false;
  for (const auto& need : finding.needs) {
    if (!analysis::is_own(need.peer, finding.namespace_name)) {
      ports.emplace(need.port, need.protocol);
    }
    stats.merge(need.stats);
    from_agent = from_agent || need.from_agent;
    from_log = from_log || need.from_log;
  }
  for (const auto& [port, protocol] : ports) item.add_ports(port_text(port, protocol));
  item.set_first_seen(time_text(stats.first_seen));
  item.set_last_seen(time_text(stats.last_seen));
  if (from_agent) item.add_evidence("agent");
  if (from_log) item.add_evidence("log");
}

void put_fanout(const analysis::Finding& finding, v1::NamespaceFanout& item) {
  item.set_namespace_(finding.namespace_name);
  item.set_destinations(finding.fanout.destinations());
  item.set_pod_namespaces(finding.fanout.pod_namespaces);
  item.set_services(finding.fanout.services);
  item.set_external(finding.fanout.external);
  item.set_names(finding.fanout.names);
  item.set_cidrs(finding.fanout.cidrs);
  item.set_raw_addresses(finding.fanout.raw_addresses);
  item.set_ambiguous(finding.fanout.ambiguous);
  item.set_name_unknown(finding.fanout.name_unknown);
  item.set_other(finding.fanout.other);
  item.set_own(finding.fanout.own);
  item.set_unanswered(finding.fanout.unanswered);
  item.set_inferred(finding.fanout.inferred);
  put_needs(finding, item);
  put_horizon(finding.horizon, *item.mutable_horizon());
}

void put_tier(const analysis::Finding& finding, analysis::Preset preset, v1::NamespaceTier& item) {
  item.set_namespace_(finding.namespace_name);
  put_horizon(finding.horizon, *item.mutable_horizon());
  const auto judgement = analysis::judge(finding, preset);
  if (!judgement) {
    item.set_tier(analysis::to_text(std::optional<analysis::Tier>()));
    item.set_rule(analysis::why_not_judged(finding));
    return;
  }
  item.set_tier(analysis::to_text(judgement->tier));
  item.set_rule(judgement->rule);
  item.set_internal(judgement->counts.internal);
  item.set_external(judgement->counts.external);
  item.set_external_raw(judgement->counts.external_raw);
  for (const auto& clause : judgement->not_evaluated) item.add_not_evaluated(clause);
  item.set_boundary(judgement->boundary);
}

// The evidence before naming: addresses are what is told apart.
Answered<analysis::Finding> raw_finding(const Question& question, const std::string& name) {
  analysis::Analysis analysis(name);
  auto status = question.scan(name, [&analysis](const store::History& history) {
    store::History raw = history;
    raw.peer = analysis::without_name(history);
    analysis.add(raw);
    return true;
  });
  if (!status.ok()) return tl::unexpected<grpc::Status>(std::move(status));
  return std::move(analysis).finish(question.horizon(name));
}

}  // namespace

Answered<analysis::Preset> preset_of(const std::string& name) {
  if (name.empty() || name == "default") return analysis::Preset::Default;
  if (name == "study") return analysis::Preset::Study;
  return tl::unexpected<grpc::Status>(
      grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                   fmt::format("preset: '{}' is none of default, study", name)));
}

grpc::Status answer(const Backend& backend, const v1::FanoutRequest& request,
                    v1::FanoutAnswer& answer) {
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  *answer.mutable_context() = question->context();
  for (const auto& name : question->judged_with_data()) {
    const auto finding = request.raw() ? raw_finding(*question, name) : question->finding(name);
    if (!finding) return finding.error();
    put_fanout(*finding, *answer.add_items());
  }
  return grpc::Status::OK;
}

grpc::Status answer(const Backend& backend, const v1::TiersRequest& request,
                    v1::TiersAnswer& answer) {
  const auto preset = preset_of(request.preset());
  if (!preset) return preset.error();
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  *answer.mutable_context() = question->context();
  answer.set_rule_set(analysis::rule_set(*preset));
  for (const auto& name : question->judged_with_data()) {
    const auto finding = question->finding(name);
    if (!finding) return finding.error();
    put_tier(*finding, *preset, *answer.add_items());
  }
  return grpc::Status::OK;
}

}  // namespace outflow::api
