// `outflow status`: the aggregator and the agents it hears from.
#include <algorithm>
#include <utility>

#include "aggregator/api/answers.h"
#include "aggregator/api/convert.h"
#include "common/flow.h"

namespace outflow::api {
namespace {

std::string_view state_of(const NodeWatch& watch) {
  if (watch.last_report == TimePoint()) return "never-seen";
  return watch.late ? "late" : "reporting";
}

void put_mark(const store::NodeMark& mark, TimePoint now, v1::NodeStatus& status) {
  status.set_boot(to_hex(mark.boot));
  status.set_sequence(mark.sequence);
  status.set_last_report(time_text(mark.last_end));
  const double behind = std::chrono::duration<double>(now - mark.last_end).count();
  status.set_seconds_behind(std::max(0.0, behind));
  status.set_interfaces(mark.interfaces);
  status.set_agent_version(mark.agent_version);
}

void put_nodes(const Question& question, v1::StatusAnswer& answer) {
  // Agents that left the inventory long ago are still agents we heard from.
  NodeWatches watches = question.nodes();
  std::map<std::string, const store::NodeMark*> marks;
  for (const auto& mark : question.marks()) {
    marks[mark.node] = &mark;
    NodeWatch& watch = watches[mark.node];
    watch.last_report = mark.last_end;
    watch.late = mark.last_end + kLateAfter < question.now();
  }
  for (const auto& [name, watch] : watches) {
    v1::NodeStatus& status = *answer.add_items();
    status.set_node(name);
    status.set_state(std::string(state_of(watch)));
    status.set_in_inventory(watch.in_inventory);
    const auto mark = marks.find(name);
    if (mark != marks.end()) put_mark(*mark->second, question.now(), status);
    for (const auto& day : question.node_days()) {
      if (day.node != name || day.day != day_of(question.now())) continue;
      put_counts(day.losses, *status.mutable_losses());
      put_counts(day.skipped, *status.mutable_skipped());
    }
  }
}

}  // namespace

grpc::Status answer(const Backend& backend, const v1::StatusRequest&, v1::StatusAnswer& answer) {
  const auto question = Question::ask(backend, v1::Scope());
  if (!question) return question.error();
  *answer.mutable_context() = question->context();
  answer.set_version(OUTFLOW_VERSION);
  answer.set_rule_set(analysis::rule_set(analysis::Preset::Default));
  const auto& model = question->snapshot().model();
  answer.set_namespaces(model.namespaces.size());
  answer.set_pods(question->snapshot().pod_count());
  answer.set_flows_stored(backend.store.records_estimate());
  const BatchCounts batches = backend.batches ? backend.batches() : BatchCounts();
  answer.set_batches_merged(batches.merged);
  answer.set_batches_repeated(batches.repeated);
  answer.set_batches_refused(batches.refused);
  put_nodes(*question, answer);
  return grpc::Status::OK;
}

}  // namespace outflow::api
