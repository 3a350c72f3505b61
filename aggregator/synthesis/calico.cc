#include "aggregator/synthesis/calico.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "aggregator/inventory/objects.h"
#include "aggregator/inventory/selector.h"

namespace outflow::synthesis {
namespace {

using inventory::CalicoPolicy;

constexpr double kLast = std::numeric_limits<double>::infinity();
constexpr double kDefaultTierOrder = 1'000'000;  // Calico's own, where the tier is not told
constexpr std::string_view kDefaultTier = "default";

std::string without_quotes(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != '\'' && c != '"') plain += c == '{' ? '(' : c == '}' ? ')' : c;
  }
  return plain;
}

// "has(a)" as Kubernetes says it; "" for what is no requirement of that form.
std::string exists(std::string_view requirement) {
  const bool absent = requirement.starts_with('!');
  const std::string_view has = requirement.substr(absent ? 1 : 0);
  if (!has.starts_with("has(") || !has.ends_with(')')) return "";
  return (absent ? "!" : "") + std::string(has.substr(4, has.size() - 5));
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The requirements of a conjunction, as Kubernetes writes them.
std::string as_kubernetes(std::string_view selector) {
  std::string text;
  while (!selector.empty()) {
    const std::size_t end = std::min(selector.find("&&"), selector.size());
    const std::string_view requirement = trimmed(selector.substr(0, end));
    selector.remove_prefix(std::min(end + 2, selector.size()));
    if (requirement == "all()") continue;
    std::string plain = exists(requirement);
    if (plain.empty()) plain = without_quotes(requirement);
    if (const std::size_t at = plain.find(" not in "); at != std::string::npos) {
      plain.replace(at, 8, " notin ");
    }
    if (!text.empty()) text += ',';
    text += plain;
  }
  return text;
}

// The orders of all tiers that were told.
double order_of(std::string_view tier, const inventory::Model& model) {
  for (const inventory::CalicoTier& known : model.calico_tiers) {
    if (known.name == tier) return known.order.value_or(kLast);
  }
  return tier == kDefaultTier ? kDefaultTierOrder : kLast;
}

bool may_select_pods_of(const CalicoPolicy& policy, const std::string& namespace_name,
                        const inventory::Snapshot& snapshot) {
  if (policy.kind == inventory::Kind::CalicoPolicy) {
    return policy.namespace_name == namespace_name;
  }
  if (policy.namespace_selector.empty()) return true;
  inventory::Labels labels;
  if (const auto* known = snapshot.namespace_named(namespace_name)) labels = known->labels;
  // Calico gives these to every namespace.
  labels["projectcalico.org/name"] = namespace_name;
  labels["kubernetes.io/metadata.name"] = namespace_name;
  return may_select(policy.namespace_selector, labels);
}

}  // namespace

bool may_select(std::string_view calico_selector, const inventory::Labels& labels) {
  // A disjunction or a negated group is more than a list of requirements.
  if (calico_selector.find("||") != std::string_view::npos) return true;
  const auto selector = inventory::LabelSelector::parse(as_kubernetes(calico_selector));
  return !selector || selector->matches(labels);
}

std::vector<std::string> decides_before(const std::string& namespace_name, double order,
                                        const inventory::Snapshot& snapshot) {
  const inventory::Model& model = snapshot.model();
  const double our_tier = order_of(kDefaultTier, model);
  std::map<std::tuple<double, std::string, double, std::string>, std::string> before;
  for (const CalicoPolicy& policy : model.calico_policies) {
    if (!policy.egress || (!policy.allows && !policy.denies)) continue;
    if (!may_select_pods_of(policy, namespace_name, snapshot)) continue;
    const double tier = order_of(policy.tier, model);
    const double own = policy.order.value_or(kLast);
    const bool is_before = policy.tier == kDefaultTier ? own <= order : tier <= our_tier;
    if (!is_before) continue;
    const std::string name =
        policy.namespace_name.empty() ? policy.name : policy.namespace_name + "/" + policy.name;
    const char* does = !policy.denies ? "allows" : policy.allows ? "allows and denies" : "denies";
    before[{tier, policy.tier, own, name}] =
        fmt::format("{} {} (tier {}, {}, {})", to_text(policy.kind), name, policy.tier,
                    policy.order ? fmt::format("order {}", own) : "no order", does);
  }
  std::vector<std::string> names;
  for (auto& [key, text] : before) names.push_back(std::move(text));
  return names;
}

}  // namespace outflow::synthesis
