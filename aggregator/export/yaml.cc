#include "aggregator/export/yaml.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace outflow::exporting {
namespace {

using synthesis::Action;
using synthesis::GlobalNetworkPolicy;
using synthesis::GlobalNetworkSet;
using synthesis::Rule;

// What YAML 1.1 (Kubernetes' dialect) reads as something else than a string.
constexpr std::array<std::string_view, 11> kKeywords{"y",    "yes", "n",   "no",  "true", "false",
                                                     "null", "on",  "off", "nan", "inf"};

bool may_stand_plain(std::string_view text) {
  if (text.empty() || text.front() < 'a' || text.front() > 'z') return false;
  const bool harmless = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '/' || c == '-';
  });
  return harmless && std::find(kKeywords.begin(), kKeywords.end(), text) == kKeywords.end();
}

void put(YAML::Emitter& out, const std::string& text) {
  if (!may_stand_plain(text)) out << YAML::DoubleQuoted;
  out << text;
}

void put(YAML::Emitter& out, const char* key, const std::string& value) {
  out << YAML::Key << key << YAML::Value;
  put(out, value);
}

void put(YAML::Emitter& out, const char* key, const std::map<std::string, std::string>& values) {
  if (values.empty()) return;
  out << YAML::Key << key << YAML::Value << YAML::BeginMap;
  for (const auto& [name, value] : values) {
    out << YAML::Key;
    put(out, name);
    out << YAML::Value;
    put(out, value);
  }
  out << YAML::EndMap;
}

// Names for the protocols Calico knows by name, the number itself for others.
void put_protocol(YAML::Emitter& out, Protocol protocol) {
  out << YAML::Key << "protocol" << YAML::Value;
  const std::string text = to_text(protocol);
  if (text.front() >= '0' && text.front() <= '9') {
    out << static_cast<int>(protocol);
  } else {
    put(out, text);
  }
}

void put_list(YAML::Emitter& out, const char* key, const std::vector<std::string>& values) {
  out << YAML::Key << key << YAML::Value << YAML::BeginSeq;
  for (const std::string& value : values) put(out, value);
  out << YAML::EndSeq;
}

void put_nets(YAML::Emitter& out, const std::vector<net::Prefix>& nets) {
  std::vector<std::string> texts;
  for (const net::Prefix& prefix : nets) texts.push_back(prefix.to_string());
  put_list(out, "nets", texts);
}

void put_destination(YAML::Emitter& out, const Rule& rule) {
  out << YAML::Key << "destination" << YAML::Value << YAML::BeginMap;
  if (rule.service) {
    out << YAML::Key << "services" << YAML::Value << YAML::BeginMap;
    put(out, "name", rule.service->name);
    put(out, "namespace", rule.service->namespace_name);
    out << YAML::EndMap;
  }
  if (rule.pods) {
    put(out, "namespaceSelector", rule.pods->namespace_selector);
    if (!rule.pods->selector.empty()) put(out, "selector", rule.pods->selector);
  }
  if (rule.set) {
    put(out, "namespaceSelector", "global()");
    put(out, "selector", fmt::format("{} == '{}'", synthesis::kSetLabel, rule.set->set));
  }
  if (rule.domains) put_list(out, "domains", rule.domains->domains);
  if (rule.nets) put_nets(out, rule.nets->nets);
  if (!rule.ports.empty()) {
    out << YAML::Key << "ports" << YAML::Value << YAML::BeginSeq;
    for (const std::uint16_t port : rule.ports) out << port;
    out << YAML::EndSeq;
  }
  out << YAML::EndMap;
}

void put_rule(YAML::Emitter& out, const Rule& rule) {
  out << YAML::BeginMap;
  put(out, "action", rule.action == Action::Allow ? "Allow" : "Deny");
  if (rule.ip_version) out << YAML::Key << "ipVersion" << YAML::Value << int{*rule.ip_version};
  if (rule.protocol) put_protocol(out, *rule.protocol);
  if (rule.icmp_type) {
    out << YAML::Key << "icmp" << YAML::Value << YAML::BeginMap;
    out << YAML::Key << "type" << YAML::Value << int{*rule.icmp_type} << YAML::EndMap;
  }
  if (rule.action == Action::Allow) put_destination(out, rule);
  if (!rule.annotations.empty()) {
    out << YAML::Key << "metadata" << YAML::Value << YAML::BeginMap;
    put(out, "annotations", rule.annotations);
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
}

void put_order(YAML::Emitter& out, double order) {
  assert(std::isfinite(order));
  out << YAML::Key << "order" << YAML::Value;
  if (std::trunc(order) == order && std::abs(order) < 1e15) {
    out << static_cast<std::int64_t>(order);
  } else {
    out << fmt::format("{}", order);
  }
}

template <class Object>
void put_head(YAML::Emitter& out, const char* kind, const Object& object) {
  put(out, "apiVersion", "projectcalico.org/v3");
  put(out, "kind", kind);
  out << YAML::Key << "metadata" << YAML::Value << YAML::BeginMap;
  put(out, "name", object.name);
  put(out, "labels", object.labels);
  put(out, "annotations", object.annotations);
  out << YAML::EndMap;
}

void put_document(YAML::Emitter& out, const GlobalNetworkSet& set) {
  out << YAML::BeginMap;
  put_head(out, "GlobalNetworkSet", set);
  // No empty spec: a server-side apply turns one whose fields are all another's into null.
  if (set.nets) {
    out << YAML::Key << "spec" << YAML::Value << YAML::BeginMap;
    put_nets(out, *set.nets);
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
}

void put_document(YAML::Emitter& out, const GlobalNetworkPolicy& policy) {
  assert(policy.egress.back().action == Action::Deny);
  out << YAML::BeginMap;
  put_head(out, "GlobalNetworkPolicy", policy);
  out << YAML::Key << "spec" << YAML::Value << YAML::BeginMap;
  put_order(out, policy.order);
  put(out, "namespaceSelector", policy.namespace_selector);
  put(out, "selector", "all()");
  out << YAML::Key << "types" << YAML::Value << YAML::BeginSeq;
  put(out, "Egress");
  out << YAML::EndSeq;
  out << YAML::Key << "egress" << YAML::Value << YAML::BeginSeq;
  for (const Rule& rule : policy.egress) put_rule(out, rule);
  out << YAML::EndSeq << YAML::EndMap << YAML::EndMap;
}

// Names in comments come from the cluster. Whatever is not printable ASCII is written as \xNN: YAML
// 1.1 ends lines at NEL, LS and PS too, and a terminal obeys escapes.
std::string comment(std::string_view line) {
  std::string out = "#";
  if (!line.empty()) out += ' ';
  for (const char c : line) {
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out + "\n";
}

template <class Object>
std::string document(const Object& object) {
  YAML::Emitter out;
  out.SetIndent(2);
  out.SetOutputCharset(YAML::EscapeNonAscii);
  put_document(out, object);
  assert(out.good());
  return out.c_str() + std::string("\n");
}

std::string comments_of(const GlobalNetworkPolicy& policy) {
  std::string text;
  for (const std::string& line : policy.header) text += comment(line);
  if (policy.comments.empty()) return text;
  text += comment("") + comment("Seen, but without a rule:");
  for (const std::string& line : policy.comments) text += comment("  " + line);
  return text;
}

}  // namespace

Result<std::string> to_yaml(const GlobalNetworkPolicy& policy) {
  std::string text = comments_of(policy);
  if (policy.egress.empty()) return text;
  for (std::size_t i = 0; i < policy.egress.size(); ++i) {
    const Rule& rule = policy.egress[i];
    if (synthesis::is_well_formed(rule, policy.dialect)) continue;
    return fail(fmt::format("policy {}: rule {} {}", policy.name, i + 1,
                            rule.domains && !synthesis::has_domains(policy.dialect)
                                ? fmt::format("names domains, which {} has not",
                                              synthesis::dialect_text(policy.dialect))
                                : "does not lead to exactly one peer"));
  }
  for (const GlobalNetworkSet& set : policy.sets) text += document(set) + "---\n";
  return text + document(policy);
}

std::string to_yaml(const GlobalNetworkSet& set) {
  return document(set);
}

}  // namespace outflow::exporting
