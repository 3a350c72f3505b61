// How needs and their evidence are put into words, in rules and comments alike. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "aggregator/analysis/finding.h"

namespace outflow::synthesis {

// What several needs say together: the evidence of one rule.
struct Evidence {
  FlowStats stats;
  std::set<Day> days;
  std::uint64_t flows = 0;  // connections for TCP and SCTP, packets otherwise
  bool from_agent = false;
  bool from_log = false;
  bool one_way = false;       // none of them was ever answered
  bool pre_existing = false;  // none of them was seen to open
};
[[nodiscard]] Evidence evidence_of(std::span<const analysis::Need* const> needs);

// outflow.dev/first, last, days, flows, bytes, evidence; one-way and pre-existing where it is so.
[[nodiscard]] std::map<std::string, std::string> annotations_of(const Evidence& evidence);

// "agent", "log", "agent, log".
[[nodiscard]] std::string sources_text(bool from_agent, bool from_log);

// "2 of 7"; what is more than wanted is "8, 7 wanted".
[[nodiscard]] std::string valid_days_text(const analysis::Horizon& horizon);

// "service kube-system/kube-dns 53/UDP", "192.0.2.7 ICMP".
[[nodiscard]] std::string need_text(const analysis::Need& need);

// What stands behind an address that a rule names, and why it has no name: "a public address,
// dialled without a lookup".
[[nodiscard]] std::string peer_text(const attribution::Peer& peer,
                                    const attribution::NameEvidence& naming);

// Why the need gets no rule; nullopt when it gets one. Names have more to say: names.h.
[[nodiscard]] std::optional<std::string> why_no_rule(const analysis::Need& need);

[[nodiscard]] bool has_ports(Protocol protocol);
// A DNS label, or labels joined by dots where `dots`: what may stand between quotes in a selector.
[[nodiscard]] bool is_kubernetes_name(const std::string& name, bool dots);

}  // namespace outflow::synthesis
