// A Calico GlobalNetworkPolicy as values, before it is text. Only what this product writes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/analysis/finding.h"
#include "common/net/prefix.h"

namespace outflow::synthesis {

// Who reads the policy. Calico's paid editions know names in rules; the open one knows no `domains`
// at all: strictly it refuses them, and else drops them, which leaves a rule that allows
// everything.
enum class Dialect : std::uint8_t { CalicoOss, CalicoEnterprise, CalicoCloud };
[[nodiscard]] std::string_view dialect_text(
    Dialect dialect);  // "calico-oss", "calico-enterprise" ...
[[nodiscard]] std::optional<Dialect> parse_dialect(std::string_view text);
[[nodiscard]] constexpr bool has_domains(Dialect dialect) {
  return dialect != Dialect::CalicoOss;
}

// How the sets of names are written beside a policy.
enum class SetsMode : std::uint8_t {
  Live,    // without addresses: somebody keeps them current in the cluster
  Inline,  // with the addresses of now
};
[[nodiscard]] std::string_view sets_mode_text(SetsMode mode);  // "live", "inline"
[[nodiscard]] std::optional<SetsMode> parse_sets_mode(std::string_view text);

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

// A GlobalNetworkSet, by the label that set alone bears. A set may hold both families, and the rule
// needs no ipVersion: Calico compiles a selector for each family, unlike the nets of a rule.
struct SetPeer {
  std::string set;  // value of kSetLabel
};
struct DomainPeer {
  std::vector<std::string> domains;  // "api.example.com", "*.cdn.example.com"
};

// The label a set is chosen by; a pod that bears it is none: the rule says namespaceSelector
// global() as well, which takes what is in no namespace.
inline constexpr std::string_view kSetLabel = "outflow.dev/set";

struct GlobalNetworkSet {
  std::string name;  // one DNS label
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  // Sorted; both families. nullopt: not written, another one is their owner.
  std::optional<std::vector<net::Prefix>> nets;
};

enum class Action : std::uint8_t { Allow, Deny };

struct Rule {
  Action action = Action::Allow;
  std::optional<std::uint8_t> ip_version;  // 4 or 6; set with `nets` and `icmp_type`
  std::optional<Protocol> protocol;
  std::optional<ServicePeer> service;
  std::optional<SelectorPeer> pods;
  std::optional<NetPeer> nets;
  std::optional<SetPeer> set;
  std::optional<DomainPeer> domains;  // where has_domains() alone
  std::vector<std::uint16_t> ports;   // never together with `service`
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
  Dialect dialect = Dialect::CalicoOss;
  std::vector<GlobalNetworkSet> sets;  // that the rules name, by name; applied before the policy
  // The last one is the explicit Deny. Empty: no policy can be written, the header says why, and
  // what is printed is comments alone, which nobody can apply by mistake.
  std::vector<Rule> egress;
};

// An Allow leads to exactly one non-empty peer, which the dialect knows; a Deny has none.
// Everything that makes rules asserts it, and nothing else is ever printed.
[[nodiscard]] bool is_well_formed(const Rule& rule, Dialect dialect);
// A name of Calico's `domains`: a host name (letters, digits, '-' and '_' in labels of at most 63),
// or "*." and one.
[[nodiscard]] bool is_domain(std::string_view text);

struct Options {
  double order = 1500;  // after NetworkPolicies (1000), before an observe policy (2000)
  Dialect dialect = Dialect::CalicoOss;
  SetsMode sets = SetsMode::Live;
};

// Never selected unless named: kube-*, calico-*, tigera-*, and the namespace Outflow runs in.
inline constexpr std::string_view kOwnNamespace = "outflow-system";  // where nobody says another
[[nodiscard]] bool is_system_namespace(std::string_view namespace_name,
                                       std::string_view own_namespace);

}  // namespace outflow::synthesis
