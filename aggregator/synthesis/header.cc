#include "aggregator/synthesis/header.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/synthesis/calico.h"
#include "aggregator/synthesis/describe.h"
#include "common/text.h"

namespace outflow::synthesis {
namespace {

using analysis::Finding;
using analysis::Need;

std::string counted(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string evidence_line(const Finding& finding) {
  std::vector<const Need*> needs;
  for (const Need& need : finding.needs) needs.push_back(&need);
  if (needs.empty()) return "Evidence: none; no egress was seen.";
  const Evidence evidence = evidence_of(needs);
  return fmt::format(
      "Evidence: {} .. {}, {} in {}, from {}.", to_text(evidence.stats.first_seen),
      to_text(evidence.stats.last_seen), counted(finding.needs.size(), "destination"),
      counted(finding.records, "record"), sources_text(evidence.from_agent, evidence.from_log));
}

std::string horizon_line(const analysis::Horizon& horizon) {
  std::string line = "Horizon: valid days " + valid_days_text(horizon);
  if (horizon.enough()) return line + ".";
  return line + fmt::format(" (insufficient{}{}).", horizon.reasons.empty() ? "" : ": ",
                            fmt::join(horizon.reasons, "; "));
}

// Our Allow comes after NetworkPolicies and before the end of their tier, where their default deny
// is: what they did not allow, we then do.
void add_egress_policies(const std::string& namespace_name, const inventory::Snapshot& snapshot,
                         std::vector<std::string>& lines) {
  std::set<std::string> names;
  for (const inventory::EgressPolicy& policy : snapshot.model().egress_policies) {
    if (policy.namespace_name == namespace_name) names.insert(policy.name);
  }
  if (!snapshot.model().has_network_policies) {
    lines.emplace_back(
        "Not known: egress NetworkPolicies; none in the inventory: either none exist, or "
        "networkpolicies was not asked for.");
  }
  if (names.empty()) return;
  lines.push_back(fmt::format("WARNING: the namespace has egress NetworkPolicies: {}.",
                              fmt::join(names, ", ")));
  lines.emplace_back(
      "What they do not allow falls through to this policy, so every Allow below widens them.");
}

// The first that allows or denies decides. A file has none of Calico's own policies.
void add_calico_policies(const std::string& namespace_name, const inventory::Snapshot& snapshot,
                         double order, std::vector<std::string>& lines) {
  if (!snapshot.model().has_calico_policies) {
    lines.push_back(fmt::format(
        "Not known: Calico policies and tiers; one that allows at an order below {}, or "
        "in an earlier Calico tier, decides before this one.",
        order));
    return;
  }
  constexpr std::size_t kNamedMax = 20;
  std::vector<std::string> before = decides_before(namespace_name, order, snapshot);
  if (before.empty()) {
    lines.emplace_back("Calico policies that decide egress before this one: none.");
    return;
  }
  const std::size_t more = before.size() - std::min(before.size(), kNamedMax);
  before.resize(before.size() - more);
  lines.push_back(fmt::format("WARNING: Calico policies may decide egress before this one: {}{}.",
                              fmt::join(before, "; "),
                              more > 0 ? fmt::format("; and {} more", more) : ""));
}

void add_host_network(const std::string& namespace_name, const inventory::Snapshot& snapshot,
                      std::vector<std::string>& lines) {
  std::set<std::string> pods;
  for (const inventory::PodPtr& pod : snapshot.pods_of(namespace_name)) {
    if (pod->host_network) pods.insert(pod->workload.kind + "/" + pod->workload.name);
  }
  if (pods.empty()) return;
  lines.push_back(
      fmt::format("Not covered: pods on the host's network, which no policy of this kind selects: "
                  "{}.",
                  fmt::join(pods, ", ")));
}

void add_apart(const Finding& finding, std::vector<std::string>& lines) {
  if (finding.apart.empty()) return;
  std::set<std::string> names;
  for (const Need& need : finding.apart) names.insert(need_text(need));
  lines.push_back(
      fmt::format("Apart: {} seen mid-conversation or from an address that is not the pod's; not "
                  "judged, no rule: {}.",
                  counted(names.size(), "destination"), fmt::join(names, ", ")));
}

void add_rules_lines(const Tally& tally, std::vector<std::string>& lines) {
  if (!tally.refused.empty()) {
    lines.push_back("NO POLICY IS WRITTEN: " + tally.refused + ".");
    return;
  }
  lines.push_back(fmt::format("Rules: {} and the final Deny; {} seen without a rule{}",
                              counted(tally.allows, "Allow"),
                              counted(tally.commented, "destination"),
                              tally.commented == 0 ? "." : ", each with its reason below."));
  if (tally.allows == 0) {
    lines.emplace_back("WARNING: nothing was proven, so this policy denies all egress.");
  }
}

// What the rules by name rest on, and what becomes of those that get none.
void add_names(const Tally& tally, const Options& options, std::vector<std::string>& lines) {
  if (tally.named > 0 && has_domains(options.dialect)) {
    lines.push_back(fmt::format(
        "Names: {} by `domains` ({}): Calico learns the addresses from the answers of its trusted "
        "DNS servers.",
        counted(tally.named, "rule"), dialect_text(options.dialect)));
  } else if (tally.named > 0) {
    lines.push_back(fmt::format(
        "Names: {} by GlobalNetworkSets; apply those first. They hold addresses, so whoever else "
        "is at one is allowed too.",
        counted(tally.named, "rule")));
    lines.emplace_back(
        options.sets == SetsMode::Live
            ? "Live sets: their spec.nets is not in this file. Until it is written in the cluster "
              "(`outflow sets -o yaml`), those rules match nothing."
            : "Inline sets: the addresses of now; a name that moves is denied until this is "
              "written again.");
  }
  if (tally.nameless > 0 && !has_domains(options.dialect)) {
    lines.push_back(fmt::format(
        "Names without a rule: {}, whose addresses cannot be listed; an egress proxy or gateway "
        "is for them.",
        tally.nameless));
  }
}

}  // namespace

std::vector<std::string> comments_of(std::span<const Need> needs, const Names& names) {
  std::vector<std::string> lines;
  for (const Need& need : needs) {
    auto why = why_no_rule(need);
    if (!why) why = why_no_name_rule(need, names);
    if (!why) continue;
    lines.push_back(fmt::format("{}: {} ({} .. {}, {})", need_text(need), *why,
                                to_text(need.stats.first_seen), to_text(need.stats.last_seen),
                                counted(need.days.size(), "day")));
  }
  return lines;
}

std::vector<std::string> header_of(const Finding& finding, const inventory::Snapshot& snapshot,
                                   const Tally& tally, const Options& options) {
  std::vector<std::string> lines{
      fmt::format("Outflow: egress allowlist of namespace {}, made from traffic that was seen.",
                  finding.namespace_name),
      evidence_line(finding), horizon_line(finding.horizon)};
  if (finding.horizon.incomplete) {
    lines.emplace_back(
        "Incomplete: a node it ran on lost data or did not report all the time; something may be "
        "missing here.");
  }
  if (snapshot.known_until() != inventory::kForever) {
    lines.push_back(
        fmt::format("WARNING: the cluster is known as of {} only, nothing tells of it since; what "
                    "changed is not in here.",
                    to_text(snapshot.known_until())));
  }
  add_rules_lines(tally, lines);
  add_names(tally, options, lines);
  add_apart(finding, lines);
  add_egress_policies(finding.namespace_name, snapshot, lines);
  if (tally.refused.empty()) {
    add_calico_policies(finding.namespace_name, snapshot, options.order, lines);
  }
  add_host_network(finding.namespace_name, snapshot, lines);
  return lines;
}

}  // namespace outflow::synthesis
