// A Calico GlobalNetworkPolicy as values, before it is text. Only what this product writes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/analysis/finding.h"
#include "common/net/prefix.h"

namespace outflow::synthesis {

// Where an Allow rule leads; exactly one form is set, and never an empty one: an Allow whose peer
// was lost would allow everything.
struct ServicePeer {
  std::string name;
  std::string namespace_name;
};
struct SelectorPeer {
  std::string namespace_selector;  // "kubernetes.io/metadata.name == 'dbaas'"
  std::string selector;            // "app == 'mysql'"; "" = every pod of it
};
struct NetPeer {
  std::vector<net::Prefix> nets;  // one family, at most kNetsMax
};

enum class Action : std::uint8_t { Allow, Deny };

struct Rule {
  Action action = Action::Allow;
  std::optional<std::uint8_t> ip_version;  // 4 or 6; set with `nets` and `icmp_type`
  std::optional<Protocol> protocol;
  std::optional<ServicePeer> service;
  std::optional<SelectorPeer> pods;
  std::optional<NetPeer> nets;
  std::vector<std::uint16_t> ports;  // never together with `service`
  std::optional<std::uint8_t> icmp_type;
  std::map<std::string, std::string> annotations;  // the rule's evidence
};

inline constexpr std::size_t kNetsMax = 250;  // calico.md: CRD limit 256 from 3.33
inline constexpr std::size_t kPortsMax = 50;  // CRD limit from 3.33
inline constexpr std::size_t kRulesMax = 1024;

struct GlobalNetworkPolicy {
  std::string name;  // one DNS label, no dots: valid in every Calico version
  std::string namespace_name;
  std::string namespace_selector;
  double order = 1500;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> header;    // comment lines above the document
  std::vector<std::string> comments;  // what was seen and gets no rule, each with its reason
  std::string refused;                // why no policy can be written; "" when one is
  // The last one is the explicit Deny. Empty: no policy can be written, the header says why, and
  // what is printed is comments alone, which nobody can apply by mistake.
  std::vector<Rule> egress;
};

// An Allow leads to exactly one non-empty peer; a Deny has none. Everything that makes or prints
// rules asserts it.
[[nodiscard]] bool is_well_formed(const Rule& rule);

struct Options {
  double order = 1500;  // after NetworkPolicies (1000), before an observe policy (2000)
};

// Never selected unless named: kube-*, calico-*, tigera-*, and the namespace Outflow runs in.
inline constexpr std::string_view kOwnNamespace = "outflow-system";  // where nobody says another
[[nodiscard]] bool is_system_namespace(std::string_view namespace_name,
                                       std::string_view own_namespace);

}  // namespace outflow::synthesis
