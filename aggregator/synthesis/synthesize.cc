#include "aggregator/synthesis/synthesize.h"

#include <cassert>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "aggregator/synthesis/describe.h"
#include "aggregator/synthesis/hash.h"
#include "aggregator/synthesis/header.h"
#include "aggregator/synthesis/names.h"
#include "aggregator/synthesis/rules.h"

namespace outflow::synthesis {
namespace {

constexpr std::size_t kLabelMax = 63;
constexpr std::string_view kNamePrefix = "outflow-egress-";

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

Tally tally_of(std::span<const analysis::Need> needs, std::span<const Rule> rules,
               const Names& names) {
  Tally tally{.allows = rules.size(),
              .commented = 0,
              .refused = why_refused(names.namespace_name, rules.size() + 1)};
  for (const analysis::Need& need : needs) {
    const bool is_refused = why_no_rule(need).has_value();
    const bool is_nameless = !is_refused && why_no_name_rule(need, names).has_value();
    tally.commented += is_refused || is_nameless ? 1 : 0;
    tally.nameless += is_nameless ? 1 : 0;
  }
  for (const Rule& rule : rules) tally.named += rule.set || rule.domains ? 1 : 0;
  return tally;
}

// The ones that rules lead to, and no other: each is an opening somebody has to keep.
std::vector<GlobalNetworkSet> sets_of(std::span<const Rule> rules, const Names& names) {
  std::map<std::string, GlobalNetworkSet> made;
  for (const Rule& rule : rules) {
    if (!rule.set) continue;
    for (const analysis::NameSet& set : names.sets) {
      if (set_name(names.namespace_name, set.class_name) != rule.set->set) continue;
      made.try_emplace(rule.set->set, network_set(names.namespace_name, set, names.mode));
    }
  }
  std::vector<GlobalNetworkSet> sets;
  for (auto& [name, set] : made) sets.push_back(std::move(set));
  return sets;
}

}  // namespace

GlobalNetworkPolicy synthesize(const analysis::Finding& finding,
                               const inventory::Snapshot& snapshot, const Options& options,
                               std::span<const analysis::NameSet> sets) {
  const std::string& namespace_name = finding.namespace_name;
  const Names names{namespace_name, options.dialect, options.sets, sets};
  const std::vector<analysis::Need> needs = needs_for_rules(finding.needs, names);
  std::vector<Rule> rules = allow_rules(needs, snapshot, names);
  GlobalNetworkPolicy policy;
  policy.namespace_name = namespace_name;
  policy.order = options.order;
  policy.dialect = options.dialect;
  policy.comments = comments_of(needs, names);
  const Tally tally = tally_of(needs, rules, names);
  policy.header = header_of(finding, snapshot, tally, options);
  policy.refused = tally.refused;
  if (!policy.refused.empty()) return policy;

  policy.name = policy_name(namespace_name);
  policy.namespace_selector = fmt::format("kubernetes.io/metadata.name == '{}'", namespace_name);
  policy.labels = {{"app.kubernetes.io/managed-by", "outflow"}};
  policy.annotations = {{"outflow.dev/namespace", namespace_name},
                        {"outflow.dev/valid-days", valid_days_text(finding.horizon)}};
  policy.sets = sets_of(rules, names);
  policy.egress = std::move(rules);
  // Written out: while an observe policy with a final Allow selects the pods too, the end of the
  // tier is never reached.
  policy.egress.emplace_back().action = Action::Deny;
  return policy;
}

std::string verdict_of(const analysis::Need& need, std::span<const analysis::Need> needs,
                       const Names& names) {
  const std::string& namespace_name = names.namespace_name;
  if (auto why = why_no_rule(need)) return "no rule: " + *why;
  std::string verdict = "allow: " + attribution::display_name(need.peer);
  if (need.peer.kind == attribution::PeerKind::Name) {
    const std::string why = why_unused(need.peer.name, needs, names);
    if (!why.empty()) return "no rule by addresses: " + why;
    verdict += ", by its set";
  }
  if (proof_of(need) == analysis::Proof::OneWay) verdict += " (one-way)";
  if (is_pre_existing(need)) verdict += " (pre-existing)";
  if (!is_kubernetes_name(namespace_name, false)) {
    return "no rule: the source's namespace is not known";
  }
  return verdict;
}

}  // namespace outflow::synthesis
