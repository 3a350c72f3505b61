#include "aggregator/synthesis/synthesize.h"

#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "aggregator/synthesis/describe.h"
#include "aggregator/synthesis/header.h"
#include "aggregator/synthesis/rules.h"

namespace outflow::synthesis {
namespace {

constexpr std::size_t kLabelMax = 63;
constexpr std::string_view kNamePrefix = "outflow-egress-";

// FNV-1a with 32 bits: short, stable, and not meant to withstand anybody.
std::uint32_t fnv1a(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

// One DNS label for every namespace name: a long one is cut, and told apart by its hash.
std::string policy_name(const std::string& namespace_name) {
  std::string name = std::string(kNamePrefix) + namespace_name;
  if (name.size() <= kLabelMax) return name;
  const std::string hash = fmt::format("-{:08x}", fnv1a(namespace_name));
  name.resize(kLabelMax - hash.size());
  while (name.back() == '-') name.pop_back();
  return name + hash;
}

std::string why_refused(const std::string& namespace_name, std::size_t rules) {
  if (!is_kubernetes_name(namespace_name, false)) {
    return "the namespace's name is no Kubernetes name, nothing could select it";
  }
  if (rules > kRulesMax) {
    return fmt::format(
        "{} rules would be needed, Calico takes {}; destinations this open are not for a static "
        "allowlist",
        rules, kRulesMax);
  }
  return "";
}

}  // namespace

GlobalNetworkPolicy synthesize(const analysis::Finding& finding,
                               const inventory::Snapshot& snapshot, const Options& options) {
  const std::string& namespace_name = finding.namespace_name;
  std::vector<Rule> rules = allow_rules(finding.needs, snapshot);
  GlobalNetworkPolicy policy;
  policy.namespace_name = namespace_name;
  policy.order = options.order;
  policy.comments = comments_of(finding);
  const Tally tally{.allows = rules.size(),
                    .commented = policy.comments.size(),
                    .refused = why_refused(namespace_name, rules.size() + 1)};
  policy.header = header_of(finding, snapshot, tally, options);
  policy.refused = tally.refused;
  if (!policy.refused.empty()) return policy;

  policy.name = policy_name(namespace_name);
  policy.namespace_selector = fmt::format("kubernetes.io/metadata.name == '{}'", namespace_name);
  policy.labels = {{"app.kubernetes.io/managed-by", "outflow"}};
  policy.annotations = {{"outflow.dev/namespace", namespace_name},
                        {"outflow.dev/valid-days", valid_days_text(finding.horizon)}};
  policy.egress = std::move(rules);
  // Written out: while an observe policy with a final Allow selects the pods too, the end of the
  // tier is never reached.
  policy.egress.emplace_back().action = Action::Deny;
  return policy;
}

std::string verdict_of(const analysis::Need& need, const std::string& namespace_name) {
  if (auto why = why_no_rule(need)) return "no rule: " + *why;
  std::string verdict = "allow: " + attribution::display_name(need.peer);
  if (proof_of(need) == analysis::Proof::OneWay) verdict += " (one-way)";
  if (is_pre_existing(need)) verdict += " (pre-existing)";
  if (!is_kubernetes_name(namespace_name, false)) {
    return "no rule: the source's namespace is not known";
  }
  return verdict;
}

}  // namespace outflow::synthesis
