#include "tests/support/policy_structure.h"

#include <regex.h>

#include <set>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "common/net/prefix.h"

namespace outflow::testing {
namespace {

using Defects = std::vector<std::string>;

// Whether the whole text is of this form (POSIX extended).
bool matches(const std::string& text, const std::string& form) {
  regex_t compiled;
  if (regcomp(&compiled, ("^(" + form + ")$").c_str(), REG_EXTENDED | REG_NOSUB) != 0) return false;
  const bool found = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&compiled);
  return found;
}

void expect(bool holds, const std::string& otherwise, Defects& defects) {
  if (!holds) defects.push_back(otherwise);
}

void expect_keys(const YAML::Node& map, const std::set<std::string>& known,
                 const std::string& where, Defects& defects) {
  for (const auto& entry : map) {
    const auto key = entry.first.as<std::string>();
    if (!known.contains(key))
      defects.push_back(fmt::format("{} has the unknown key {}", where, key));
  }
}

// Strings are quoted, or such that no YAML reads them as something else; everything plain beside
// them is a number.
void expect_unmistakable(const YAML::Node& node, Defects& defects) {
  static const std::set<std::string> keywords{"y",   "n",    "yes",   "no",  "on",
                                              "off", "true", "false", "null"};
  if (node.IsScalar()) {
    const std::string& text = node.Scalar();
    const bool quoted = node.Tag() == "!";
    const bool safe = matches(text, "[a-z][a-z0-9./-]*") && !keywords.contains(text);
    expect(quoted || safe || matches(text, "-?[0-9]+(\\.[0-9]+)?"), "unquoted: " + text, defects);
  }
  if (node.IsSequence()) {
    for (const auto& one : node) expect_unmistakable(one, defects);
  }
  if (node.IsMap()) {
    for (const auto& entry : node) expect_unmistakable(entry.second, defects);
  }
}

void check_selector(const YAML::Node& node, Defects& defects) {
  if (!node) return;
  const auto text = node.as<std::string>();
  expect(!text.empty() && text.size() <= 1024, "a selector is empty or too long", defects);
  expect(text.find_first_of("\n\r") == std::string::npos, "a selector has a line break", defects);
}

void check_nets(const YAML::Node& rule, const YAML::Node& nets, Defects& defects) {
  expect(nets.size() > 0 && nets.size() <= 250, "nets are none or too many", defects);
  for (const auto& one : nets) {
    const auto text = one.as<std::string>();
    const auto prefix = net::Prefix::parse(text);
    expect(prefix && prefix->to_string() == text, "no canonical CIDR: " + text, defects);
    const int version = text.find(':') == std::string::npos ? 4 : 6;
    expect(rule["ipVersion"] && rule["ipVersion"].as<int>() == version,
           "ipVersion disagrees with " + text, defects);
  }
}

// What a policy's rules may lean on.
struct Context {
  bool has_domains = false;
  std::set<std::string> sets;  // values of the label each set has for itself
};

constexpr const char* kDomain =
    "(\\*\\.)?([a-z0-9_]([-a-z0-9_]*[a-z0-9_])?\\.)*[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?";

void check_set_selector(const YAML::Node& destination, const Context& context, Defects& defects) {
  const auto selector = destination["selector"].as<std::string>("");
  const bool by_label = selector.find("outflow.dev/set") != std::string::npos;
  const bool is_global = destination["namespaceSelector"].as<std::string>("") == "global()";
  expect(by_label == is_global, "a set's rule without both selectors", defects);
  if (!by_label) return;
  expect(matches(selector, "outflow\\.dev/set == '[a-z0-9-]+'"), "no set: " + selector, defects);
  const std::size_t quote = selector.find('\'');
  expect(context.sets.contains(selector.substr(quote + 1, selector.size() - quote - 2)),
         "a rule for a set that is not there: " + selector, defects);
}

void check_domains(const YAML::Node& domains, const Context& context, Defects& defects) {
  expect(context.has_domains, "domains, which this Calico drops", defects);
  expect(domains.IsSequence() && domains.size() > 0, "no domains", defects);
  if (!domains.IsSequence()) return;
  for (const auto& one : domains) {
    expect(matches(one.as<std::string>(), kDomain), "no domain: " + one.as<std::string>(), defects);
  }
}

void check_destination(const YAML::Node& rule, const Context& context, Defects& defects) {
  const YAML::Node destination = rule["destination"];
  if (!destination || !destination.IsMap()) {
    defects.emplace_back("an Allow leads anywhere");
    return;
  }
  expect_keys(destination,
              {"services", "namespaceSelector", "selector", "nets", "domains", "ports"},
              "destination", defects);
  const int peers = (destination["services"] ? 1 : 0) + (destination["nets"] ? 1 : 0) +
                    (destination["namespaceSelector"] ? 1 : 0) + (destination["domains"] ? 1 : 0);
  expect(peers == 1, "an Allow has not exactly one peer", defects);
  if (const YAML::Node services = destination["services"]) {
    expect_keys(services, {"name", "namespace"}, "services", defects);
    expect(!services["name"].as<std::string>("").empty() &&
               !services["namespace"].as<std::string>("").empty(),
           "a services rule without name or namespace", defects);
    expect(!destination["ports"], "a services rule with ports", defects);
  }
  if (destination["nets"]) check_nets(rule, destination["nets"], defects);
  expect(!destination["selector"] || destination["namespaceSelector"],
         "a selector without its namespace", defects);
  if (destination["domains"]) check_domains(destination["domains"], context, defects);
  check_set_selector(destination, context, defects);
  check_selector(destination["namespaceSelector"], defects);
  check_selector(destination["selector"], defects);
}

void check_allow(const YAML::Node& rule, const Context& context, Defects& defects) {
  const auto protocol = rule["protocol"].as<std::string>("");
  const bool has_ports = protocol == "TCP" || protocol == "UDP" || protocol == "SCTP";
  expect(!protocol.empty(), "an Allow without protocol", defects);
  check_destination(rule, context, defects);
  const YAML::Node destination = rule["destination"];
  if (!destination || !destination.IsMap()) return;
  const YAML::Node ports = destination["ports"];
  expect(has_ports || !ports, "ports on protocol " + protocol, defects);
  expect(!has_ports || destination["services"] || (ports && ports.size() > 0), "every port is open",
         defects);
  expect(!ports || ports.size() <= 50, "too many ports", defects);
  for (const auto& port : ports) {
    expect(port.as<int>(0) > 0 && port.as<int>(0) < 65536, "no port number", defects);
  }
  const int icmp_version = protocol == "ICMP" ? 4 : protocol == "ICMPv6" ? 6 : 0;
  expect(icmp_version != 0 || !rule["icmp"], "icmp on protocol " + protocol, defects);
  expect(icmp_version == 0 || rule["ipVersion"].as<int>(0) == icmp_version,
         "ipVersion disagrees with " + protocol, defects);
}

void check_rules(const YAML::Node& rules, const Context& context, Defects& defects) {
  expect(rules.IsSequence() && rules.size() > 0 && rules.size() <= 1024, "none or too many rules",
         defects);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const YAML::Node rule = rules[i];
    expect_keys(rule, {"action", "ipVersion", "protocol", "icmp", "destination", "metadata"},
                "rule", defects);
    const bool is_last = i + 1 == rules.size();
    expect(rule["action"].as<std::string>() == (is_last ? "Deny" : "Allow"),
           "not Allow ... Allow, Deny", defects);
    if (is_last) {
      expect(rule.size() == 1, "the final Deny is not for everything", defects);
    } else {
      check_allow(rule, context, defects);
    }
  }
}

void check_head(const YAML::Node& object, const std::string& kind, Defects& defects) {
  expect_keys(object, {"apiVersion", "kind", "metadata", "spec"}, kind, defects);
  expect(object["apiVersion"].as<std::string>("") == "projectcalico.org/v3", "apiVersion", defects);
  expect(object["kind"].as<std::string>("") == kind, "not a " + kind, defects);
  const auto name = object["metadata"]["name"].as<std::string>("");
  expect(name.size() <= 63 && matches(name, "[a-z0-9]([-a-z0-9]*[a-z0-9])?"),
         "no DNS label: " + name, defects);
  expect_unmistakable(object, defects);
}

void check_set(const YAML::Node& set, Context& context, Defects& defects) {
  check_head(set, "GlobalNetworkSet", defects);
  const auto label = set["metadata"]["labels"]["outflow.dev/set"].as<std::string>("");
  expect(label == set["metadata"]["name"].as<std::string>(""), "a set without its label", defects);
  expect(context.sets.insert(label).second, "two sets of one label", defects);
  if (!set["spec"]) return;
  expect(set["spec"]["nets"].IsSequence(), "a spec without nets", defects);
  expect_keys(set["spec"], {"nets"}, "spec", defects);
  for (const auto& one : set["spec"]["nets"]) {
    const auto text = one.as<std::string>();
    const auto prefix = net::Prefix::parse(text);
    expect(prefix && prefix->to_string() == text, "no canonical CIDR: " + text, defects);
  }
}

void check_policy(const YAML::Node& policy, const Context& context, Defects& defects) {
  check_head(policy, "GlobalNetworkPolicy", defects);
  const YAML::Node spec = policy["spec"];
  expect_keys(spec, {"order", "namespaceSelector", "selector", "types", "egress"}, "spec", defects);
  expect(spec["order"].IsScalar() && spec["order"].Tag() != "!", "order", defects);
  expect(spec["selector"].as<std::string>("") == "all()", "selector", defects);
  expect(spec["types"].size() == 1 && spec["types"][0].as<std::string>("") == "Egress", "types",
         defects);
  expect(matches(spec["namespaceSelector"].as<std::string>(""),
                 "kubernetes\\.io/metadata\\.name == '[a-z0-9-]+'"),
         "namespaceSelector does not name one namespace", defects);
  check_rules(spec["egress"], context, defects);
}

}  // namespace

std::vector<std::string> defects_of_policy(const std::string& yaml, bool has_domains) {
  Defects defects;
  expect(!yaml.empty() && yaml.back() == '\n', "the text does not end with a newline", defects);
  std::vector<YAML::Node> documents = YAML::LoadAll(yaml);
  if (documents.empty() || (documents.size() == 1 && documents[0].IsNull())) return defects;
  const YAML::Node policy = documents.back();
  documents.pop_back();
  Context context{has_domains, {}};
  for (const YAML::Node& set : documents) check_set(set, context, defects);
  check_policy(policy, context, defects);
  for (const std::string& set : context.sets) {
    expect(yaml.find("== '" + set + "'") != std::string::npos, "a set no rule is for: " + set,
           defects);
  }
  return defects;
}

}  // namespace outflow::testing
