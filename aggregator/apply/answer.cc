#include "aggregator/apply/answer.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace outflow::apply {
namespace {

constexpr std::size_t kShownBytesMax = 64;  // of a name that is none

Labels labels_of(const google::protobuf::Map<std::string, std::string>& map) {
  Labels labels;
  for (const auto& [key, value] : map) labels[key] = value;
  return labels;
}

Wanted wanted_of(const v1::NetworkSet& set) {
  Wanted wanted{
      set.name(),   set.namespace_(), labels_of(set.labels()), labels_of(set.annotations()), {},
      set.usable(), set.reason()};
  for (const auto& net : set.nets()) wanted.nets.push_back(net.net());
  return wanted;
}

std::string why_incomplete(const v1::Context& context, const v1::StatusAnswer& status) {
  if (context.inventory_as_of().empty()) return "the aggregator has read no inventory";
  if (!context.inventory_error().empty()) {
    return "the aggregator's inventory: " + context.inventory_error();
  }
  if (context.inventory_stale()) return "the aggregator's inventory is stale";
  if (context.missing_nodes_size() > 0) return context.missing_nodes(0) + " has no agent";
  for (const auto& node : status.items()) {
    if (!node.in_inventory() || node.state() == "reporting") continue;
    return fmt::format("{} is {}", node.node(), node.state());
  }
  return "";
}

}  // namespace

Answered read_answer(const v1::SetsAnswer& sets, const v1::StatusAnswer& status,
                     const Namespaces& asked) {
  Answered answered;
  answered.trust.why_not = why_incomplete(sets.context(), status);
  std::map<std::string, Wanted> by_name;
  std::set<std::string> ambiguous;
  for (const auto& set : sets.items()) {
    if (!is_name(set.name())) {
      answered.refusals.push_back({"name", "'" + set.name().substr(0, kShownBytesMax) + "'"});
    } else if (!asked.empty() && asked.count(set.namespace_()) == 0) {
      answered.refusals.push_back(
          {"namespace", fmt::format("{}: nobody asked about {}", set.name(), set.namespace_())});
    } else if (!by_name.emplace(set.name(), wanted_of(set)).second) {
      ambiguous.insert(set.name());
    }
  }
  for (const std::string& name : ambiguous) {
    by_name.erase(name);
    answered.refusals.push_back({"ambiguous", name + ": two sets have this name"});
  }
  for (const auto& name : sets.context().unknown_namespaces()) {
    answered.refusals.push_back({"unknown_namespace", "nobody knows the namespace " + name});
  }
  for (auto& [name, wanted] : by_name) answered.sets.push_back(std::move(wanted));
  return answered;
}

}  // namespace outflow::apply
