#include "aggregator/api/coverage.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/api/answers.h"
#include "aggregator/api/convert.h"
#include "common/text.h"

namespace outflow::api {
namespace {

using Pods = std::vector<inventory::PodPtr>;

// Pods that could send: finished ones cannot.
Pods active_pods(const std::string& namespace_name, const inventory::Snapshot& snapshot) {
  Pods pods = snapshot.pods_of(namespace_name);
  pods.erase(std::remove_if(pods.begin(), pods.end(),
                            [](const inventory::PodPtr& pod) {
                              return pod->phase == "Succeeded" || pod->phase == "Failed";
                            }),
             pods.end());
  return pods;
}

// Where pods with an interface of their own run.
std::set<std::string> nodes_of(const Pods& pods) {
  std::set<std::string> nodes;
  for (const auto& pod : pods) {
    if (!pod->host_network && !pod->node.empty()) nodes.insert(pod->node);
  }
  return nodes;
}

std::string listed(const std::set<std::string>& names) {
  return fmt::format("node{} {}", names.size() == 1 ? "" : "s", fmt::join(names, ", "));
}

// What the namespace's nodes lack: an agent, or some of the time.
struct NodeTrouble {
  std::set<std::string> missing;
  std::string first;  // "node k8s-w3 did not report all of 2026-05-24"
};

NodeTrouble trouble_of(const std::set<std::string>& nodes, const NodeWatches& watches) {
  NodeTrouble trouble;
  for (const auto& node : nodes) {
    const auto found = watches.find(node);
    if (found == watches.end() || !found->second.reported) {
      trouble.missing.insert(node);
    } else if (!found->second.trouble.empty() && trouble.first.empty()) {
      trouble.first = fmt::format("node {} {}", node, found->second.trouble);
    }
  }
  return trouble;
}

void without_pods(const CoverageInput& input, Coverage& coverage) {
  if (input.hooked.empty()) {
    coverage.status = "no-pods";
    coverage.reason =
        "no pod runs and none was watched in the window: it never had one, or is scaled to zero; "
        "it cannot be judged";
    return;
  }
  coverage.status = "idle";
  coverage.reason = fmt::format("pods were watched until {} and opened nothing; none runs now",
                                to_text(input.last_hooked));
}

void without_interfaces(const Pods& pods, Coverage& coverage) {
  const bool all_host =
      std::all_of(pods.begin(), pods.end(), [](const auto& pod) { return pod->host_network; });
  coverage.status = all_host ? "host-network" : "not-observed";
  coverage.reason =
      all_host
          ? "its pods use the host's network: traffic leaves with the node's address, no policy "
            "selects it"
          : "its pods wait for a node, or are on the host's network";
}

void without_egress(const CoverageInput& input, const Pods& pods, const NodeWatches& watches,
                    Coverage& coverage) {
  std::set<std::string> nodes = nodes_of(pods);
  nodes.insert(input.hooked.begin(), input.hooked.end());
  const NodeTrouble trouble = trouble_of(nodes, watches);
  if (input.hooked.empty() && !trouble.missing.empty()) {
    coverage.status = "agent-missing";
    coverage.reason =
        fmt::format("runs on {}, from where no agent reports", listed(trouble.missing));
  } else if (input.hooked.empty()) {
    coverage.status = "not-observed";
    coverage.reason = fmt::format(
        "{} report, but no interface of its pods was hooked (--interface-pattern of the agent, or "
        "the "
        "pods came just now)",
        listed(nodes));
  } else if (!trouble.missing.empty()) {
    coverage.status = "agent-gap";
    coverage.reason =
        fmt::format("some pods run on {}, from where no agent reports", listed(trouble.missing));
  } else if (!trouble.first.empty()) {
    coverage.status = "agent-gap";
    coverage.reason = trouble.first;
  } else {
    coverage.status = "idle";
    coverage.reason = "pods were watched and opened nothing";
  }
}

void outside_inventory(const CoverageInput& input, bool inventory_read, Coverage& coverage) {
  coverage.status = "not-in-inventory";
  if (input.namespace_name.empty()) {
    coverage.reason = "traffic of sources that no pod of the inventory owns";
  } else if (!inventory_read) {
    coverage.reason = input.seen.records > 0 ? "traffic was seen, but no inventory was read"
                                             : "nothing was seen, and no inventory was read";
  } else if (input.seen.records > 0) {
    coverage.reason = "traffic was seen, but the inventory has no namespace of this name";
  } else {
    coverage.reason = "neither the inventory nor the evidence knows a namespace of this name";
  }
}

}  // namespace

CoverageInput input_of(const std::string& namespace_name,
                       std::span<const store::Presence> presences) {
  CoverageInput input;
  input.namespace_name = namespace_name;
  for (const auto& presence : presences) {
    input.hooked.insert(presence.node);
    if (presence.day > input.last_hooked) input.hooked_lately.clear();
    input.last_hooked = std::max(input.last_hooked, presence.day);
    if (presence.day == input.last_hooked) input.hooked_lately.insert(presence.node);
  }
  return input;
}

Coverage coverage_of(const CoverageInput& input, const inventory::Snapshot& snapshot,
                     const NodeWatches& nodes) {
  Coverage coverage;
  const Pods pods = active_pods(input.namespace_name, snapshot);
  coverage.pods = pods.size();
  for (const auto& pod : pods) {
    const bool watched = !pod->host_network && input.hooked_lately.count(pod->node) > 0;
    coverage.pods_watched += watched ? 1 : 0;
  }
  if (snapshot.namespace_named(input.namespace_name) == nullptr) {
    outside_inventory(input, snapshot.as_of() != TimePoint(), coverage);
  } else if (input.seen.records > 0) {
    const NodeTrouble trouble = trouble_of(nodes_of(pods), nodes);
    coverage.status = "observed";
    coverage.reason = "egress was seen";
    if (!trouble.missing.empty()) {
      coverage.reason += fmt::format("; no agent reports from {}", listed(trouble.missing));
    } else if (!trouble.first.empty()) {
      coverage.reason += "; " + trouble.first;
    }
  } else if (pods.empty()) {
    without_pods(input, coverage);
  } else if (nodes_of(pods).empty() && input.hooked.empty()) {
    without_interfaces(pods, coverage);
  } else {
    without_egress(input, pods, nodes, coverage);
  }
  return coverage;
}

namespace {

Answered<CoverageInput> read_input(const Question& question, const std::string& name) {
  CoverageInput input = input_of(name, question.presences(name));
  auto status = question.scan(name, [&input](const store::History& history) {
    ++input.seen.records;
    input.seen.last = std::max(input.seen.last, history.stats.last_seen);
    return true;
  });
  if (!status.ok()) return tl::unexpected<grpc::Status>(std::move(status));
  return input;
}

}  // namespace

grpc::Status answer(const Backend& backend, const v1::CoverageRequest& request,
                    v1::CoverageAnswer& answer) {
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  *answer.mutable_context() = question->context();
  for (const auto& name : question->namespaces()) {
    const auto input = read_input(*question, name);
    if (!input) return input.error();
    const Coverage coverage = coverage_of(*input, question->snapshot(), question->nodes());
    v1::NamespaceCoverage& item = *answer.add_items();
    item.set_namespace_(namespace_text(name));
    item.set_status(std::string(coverage.status));
    item.set_reason(coverage.reason);
    item.set_pods(coverage.pods);
    item.set_pods_watched(coverage.pods_watched);
    item.set_flows(input->seen.records);
    item.set_last_seen(time_text(input->seen.last));
    put_horizon(question->horizon(name), *item.mutable_horizon());
  }
  return grpc::Status::OK;
}

}  // namespace outflow::api
