// `outflow doctor`: gathers what the checks look at.
#include <utility>

#include "aggregator/api/answers.h"
#include "aggregator/api/doctor.h"

namespace outflow::api {
namespace {

void add_losses(const Question& question, std::map<std::string, NodeSight>& nodes) {
  for (const auto& day : question.node_days()) {
    const auto node = nodes.find(day.node);
    if (node == nodes.end() || day.day + std::chrono::days(1) < day_of(question.now())) continue;
    day.add_name_losses(node->second.name_losses);
    if (day.day == day_of(question.now())) node->second.losses = day.losses;
  }
}

// Packets of today are only counted where there is a loss to compare them with: it reads every
// record of the day.
grpc::Status add_packets(const Backend& backend, TimePoint now,
                         std::map<std::string, NodeSight>& nodes) {
  bool any = false;
  for (const auto& [name, node] : nodes) any = any || !node.losses.empty();
  if (!any) return grpc::Status::OK;
  const Day today = day_of(now);
  const auto scanned =
      backend.store.scan(std::nullopt, today, today, [&nodes](const store::History& history) {
        const auto node = nodes.find(history.raw.node);
        if (node != nodes.end()) node->second.packets += history.stats.packets;
        return true;
      });
  if (!scanned) return {grpc::StatusCode::INTERNAL, scanned.error().what};
  return grpc::Status::OK;
}

std::map<std::string, NodeSight> nodes_of(const Backend& backend, const Question& question) {
  std::map<std::string, NodeSight> nodes;
  for (const auto& [name, watch] : question.nodes()) nodes[name].in_inventory = watch.in_inventory;
  for (const auto& mark : question.marks()) {
    NodeSight& node = nodes[mark.node];
    node.last_report = mark.last_end;
    node.late = mark.last_end + kLateAfter < question.now();
    node.agent_version = mark.agent_version;
  }
  if (backend.facts != nullptr) {
    for (auto& [name, told] : backend.facts->all()) {
      const auto node = nodes.find(name);
      if (node != nodes.end()) node->second.told = told;
    }
  }
  for (auto& [name, node] : nodes) node.name = name;
  return nodes;
}

void count(const std::string& state, v1::DoctorAnswer& answer) {
  if (state == "ok") return answer.set_ok(answer.ok() + 1);
  if (state == "warn") return answer.set_warn(answer.warn() + 1);
  if (state == "fail") return answer.set_fail(answer.fail() + 1);
  answer.set_unknown(answer.unknown() + 1);
}

}  // namespace

grpc::Status answer(const Backend& backend, const v1::DoctorRequest&, v1::DoctorAnswer& answer) {
  const auto question = Question::ask(backend, v1::Scope());
  if (!question) return question.error();
  *answer.mutable_context() = question->context();
  answer.set_version(OUTFLOW_VERSION);
  const inventory::View inventory = backend.inventory.view();
  DoctorSight sight;
  sight.now = question->now();
  sight.version = OUTFLOW_VERSION;
  sight.inventory_as_of = inventory.as_of;
  sight.inventory_error = inventory.error;
  sight.needs_inventory = backend.needs_inventory;
  if (backend.certificate_expiry) sight.certificate_expiry = backend.certificate_expiry();
  sight.store = backend.store.state();
  sight.facts_refused = backend.facts != nullptr ? backend.facts->refused() : 0;
  if (backend.feeds) sight.feeds = backend.feeds();
  auto nodes = nodes_of(backend, *question);
  add_losses(*question, nodes);
  if (auto counted = add_packets(backend, sight.now, nodes); !counted.ok()) return counted;
  for (auto& [name, node] : nodes) sight.nodes.push_back(std::move(node));
  for (v1::DoctorCheck& check : examine(sight)) {
    count(check.state(), answer);
    *answer.add_items() = std::move(check);
  }
  return grpc::Status::OK;
}

}  // namespace outflow::api
