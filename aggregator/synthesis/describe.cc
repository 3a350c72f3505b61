#include "aggregator/synthesis/describe.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/text.h"

namespace outflow::synthesis {
namespace {

using analysis::Need;
using analysis::Proof;
using attribution::Naming;
using attribution::Peer;
using attribution::PeerKind;

constexpr std::uint16_t kVxlanPort = 4789;
constexpr auto kIpInIp = static_cast<Protocol>(4);

std::uint64_t flows_of(const Need& need) {
  if (!has_ports(need.protocol) || need.protocol == Protocol::Udp) return need.stats.packets;
  return need.stats.established;
}

// Kinds that no allowlist of ours names, whatever was proven.
std::optional<std::string> why_not_kind(const Peer& peer) {
  switch (peer.kind) {
    case PeerKind::Unknown:
      return "unknown destination: " + (peer.reason.empty() ? "no reason is kept" : peer.reason);
    case PeerKind::Metadata:
      return "instance metadata hands out credentials, it is never allowed by evidence alone";
    case PeerKind::Multicast:
      return "multicast and broadcast are no destinations of an allowlist";
    default:
      return std::nullopt;
  }
}

std::optional<std::string> why_not_name(const Peer& peer) {
  const bool in_cluster = peer.kind == PeerKind::Service || peer.kind == PeerKind::Workload ||
                          peer.kind == PeerKind::Namespace;
  if (in_cluster && !is_kubernetes_name(peer.namespace_name, false)) {
    return "its namespace has no Kubernetes name";
  }
  if (peer.kind == PeerKind::Service && !is_kubernetes_name(peer.name, true)) {
    return "the service has no Kubernetes name";
  }
  return std::nullopt;
}

std::optional<std::string> why_not_packet(const Need& need) {
  if (need.protocol == kIpInIp || (need.protocol == Protocol::Udp && need.port == kVxlanPort)) {
    return "Calico drops VXLAN and IPIP sent by pods whatever a policy says";
  }
  if (static_cast<unsigned>(need.protocol) == 0) return "a rule cannot name IP protocol 0";
  const bool is_echo_of_other_family = need.peer.address.is_v4() ? need.protocol == Protocol::Icmpv6
                                                                 : need.protocol == Protocol::Icmp;
  if (is_echo_of_other_family)
    return "an ICMP echo of the other address family, no rule can say so";
  if (has_ports(need.protocol) && need.port == 0) {
    return "no port was seen, and a rule without ports would allow them all";
  }
  return std::nullopt;
}

std::string why_not_proven(const Need& need) {
  if (need.protocol == Protocol::Tcp || need.protocol == Protocol::Sctp ||
      need.stats.packets == 0) {
    return fmt::format("attempts alone ({}, {} refused), nothing was ever established",
                       need.stats.attempts, need.stats.refused);
  }
  return fmt::format("no answer came ({} packets, {} refused), and it was seen on one day only",
                     need.stats.packets, need.stats.refused);
}

// Why there is no name, in words that follow others; "" where there is one, or none was looked for.
std::string why_nameless(const attribution::NameEvidence& naming) {
  const std::string why = naming.reason.empty() ? "" : ": " + naming.reason;
  switch (naming.naming) {
    case Naming::RawAddress:
      return ", dialled without a lookup";
    case Naming::OpaqueResolver:
      return ", its name was asked for where nobody can read it" + why;
    case Naming::Unknown:
      return ", its name may have been missed" + why;
    case Naming::None:
    case Naming::Named:
    case Naming::Ambiguous:
      break;
  }
  return "";
}

}  // namespace

Evidence evidence_of(std::span<const Need* const> needs) {
  Evidence evidence;
  evidence.one_way = !needs.empty();
  evidence.pre_existing = !needs.empty();
  for (const Need* need : needs) {
    evidence.stats.merge(need->stats);
    evidence.days.insert(need->days.begin(), need->days.end());
    evidence.flows += flows_of(*need);
    evidence.from_agent = evidence.from_agent || need->from_agent;
    evidence.from_log = evidence.from_log || need->from_log;
    evidence.one_way = evidence.one_way && proof_of(*need) == Proof::OneWay;
    evidence.pre_existing = evidence.pre_existing && is_pre_existing(*need);
  }
  return evidence;
}

std::map<std::string, std::string> annotations_of(const Evidence& evidence) {
  std::map<std::string, std::string> annotations{
      {"outflow.dev/first", to_text(evidence.stats.first_seen)},
      {"outflow.dev/last", to_text(evidence.stats.last_seen)},
      {"outflow.dev/days", std::to_string(evidence.days.size())},
      {"outflow.dev/flows", std::to_string(evidence.flows)},
      {"outflow.dev/bytes", std::to_string(evidence.stats.bytes)},
      {"outflow.dev/evidence", sources_text(evidence.from_agent, evidence.from_log)}};
  if (evidence.one_way) annotations["outflow.dev/one-way"] = "true";
  if (evidence.pre_existing) annotations["outflow.dev/pre-existing"] = "true";
  return annotations;
}

std::string sources_text(bool from_agent, bool from_log) {
  if (from_agent && from_log) return "agent, log";
  if (from_agent) return "agent";
  return from_log ? "log" : "none";
}

std::string valid_days_text(const analysis::Horizon& horizon) {
  const bool more = horizon.valid_days > horizon.wanted_days;
  return fmt::format("{}{}{}{}", horizon.valid_days, more ? ", " : " of ", horizon.wanted_days,
                     more ? " wanted" : "");
}

std::string need_text(const Need& need) {
  const std::string name = attribution::display_name(need.peer);
  if (!has_ports(need.protocol)) {
    const std::string protocol = to_text(need.protocol);
    const bool is_number = protocol.front() >= '0' && protocol.front() <= '9';
    return fmt::format("{} {}{}", name, is_number ? "IP protocol " : "", protocol);
  }
  return fmt::format("{} {}/{}", name, need.port, to_text(need.protocol));
}

std::string peer_text(const Peer& peer, const attribution::NameEvidence& naming) {
  std::string name = attribution::display_name(peer);
  switch (peer.kind) {
    case PeerKind::Private:
      return name + ", a private address outside the cluster" + why_nameless(naming);
    case PeerKind::External:
      return name + ", a public address" +
             (naming.naming == Naming::None ? ", no name is known" : why_nameless(naming));
    case PeerKind::Provider:
      return name + ", a provider's range, by the addresses met" + why_nameless(naming);
    default:
      return name;
  }
}

std::optional<std::string> why_no_rule(const Need& need) {
  if (auto why = why_not_kind(need.peer)) return why;
  if (auto why = why_not_packet(need)) return why;
  if (proof_of(need) == Proof::Attempted) return why_not_proven(need);
  return why_not_name(need.peer);
}

bool has_ports(Protocol protocol) {
  return protocol == Protocol::Tcp || protocol == Protocol::Udp || protocol == Protocol::Sctp;
}

bool is_kubernetes_name(const std::string& name, bool dots) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  if (name.empty() || name.size() > (dots ? 253U : 63U)) return false;
  if (!is_alphanumeric(name.front()) || !is_alphanumeric(name.back())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_alphanumeric(c) || c == '-' || (dots && c == '.'); });
}

}  // namespace outflow::synthesis
