#include "aggregator/synthesis/policy.h"

#include <algorithm>
#include <array>
#include <utility>

namespace outflow::synthesis {
namespace {

constexpr std::array<std::pair<Dialect, std::string_view>, 3> kDialects{
    {{Dialect::CalicoOss, "calico-oss"},
     {Dialect::CalicoEnterprise, "calico-enterprise"},
     {Dialect::CalicoCloud, "calico-cloud"}}};
constexpr std::array<std::pair<SetsMode, std::string_view>, 2> kSetsModes{
    {{SetsMode::Live, "live"}, {SetsMode::Inline, "inline"}}};

template <class Words, class Value>
std::string_view word_of(const Words& words, Value value) {
  const auto found = std::find_if(words.begin(), words.end(),
                                  [&](const auto& known) { return known.first == value; });
  return found == words.end() ? "" : found->second;
}

template <class Value, std::size_t count>
std::optional<Value> value_of(const std::array<std::pair<Value, std::string_view>, count>& words,
                              std::string_view text) {
  const auto found = std::find_if(words.begin(), words.end(),
                                  [&](const auto& known) { return known.second == text; });
  return found == words.end() ? std::nullopt : std::optional(found->first);
}

bool is_label(std::string_view label) {
  constexpr std::size_t kLabelMax = 63;  // RFC 1035 3.1
  return !label.empty() && label.size() <= kLabelMax && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

bool is_well_formed_peer(const Rule& rule, Dialect dialect) {
  if (rule.service) {
    return !rule.service->name.empty() && !rule.service->namespace_name.empty() &&
           rule.ports.empty();
  }
  if (rule.pods) return !rule.pods->namespace_selector.empty();
  if (rule.set) return !rule.set->set.empty();
  if (rule.domains) {
    const auto& domains = rule.domains->domains;
    return has_domains(dialect) && !domains.empty() &&
           std::all_of(domains.begin(), domains.end(), is_domain);
  }
  return !rule.nets->nets.empty() && rule.nets->nets.size() <= kNetsMax;
}

}  // namespace

std::string_view dialect_text(Dialect dialect) {
  return word_of(kDialects, dialect);
}
std::string_view sets_mode_text(SetsMode mode) {
  return word_of(kSetsModes, mode);
}
std::optional<Dialect> parse_dialect(std::string_view text) {
  return value_of(kDialects, text);
}
std::optional<SetsMode> parse_sets_mode(std::string_view text) {
  return value_of(kSetsModes, text);
}

bool is_domain(std::string_view text) {
  constexpr std::size_t kNameMax = 253;
  if (text.starts_with("*.")) text.remove_prefix(2);
  if (text.size() > kNameMax) return false;
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_well_formed(const Rule& rule, Dialect dialect) {
  const int peers = (rule.service ? 1 : 0) + (rule.pods ? 1 : 0) + (rule.nets ? 1 : 0) +
                    (rule.set ? 1 : 0) + (rule.domains ? 1 : 0);
  if (rule.action == Action::Deny) return peers == 0 && rule.ports.empty();
  return peers == 1 && is_well_formed_peer(rule, dialect);
}

bool is_system_namespace(std::string_view namespace_name, std::string_view own_namespace) {
  return namespace_name.starts_with("kube-") || namespace_name.starts_with("calico-") ||
         namespace_name.starts_with("tigera-") || namespace_name == own_namespace;
}

}  // namespace outflow::synthesis
