#include "aggregator/export/yaml.h"

#include <sstream>

#include <yaml-cpp/yaml.h>

#include "aggregator/synthesis/synthesize.h"
#include "tests/support/catch.h"
#include "tests/support/evidence.h"
#include "tests/support/policy_structure.h"

using namespace outflow;
using namespace outflow::testing;
using namespace outflow::synthesis;

namespace {

inventory::Snapshot empty_cluster() {
  return {inventory::Model{}, at("2026-05-25")};
}

GlobalNetworkPolicy policy_with(const std::string& service_name) {
  GlobalNetworkPolicy policy;
  policy.name = "outflow-egress-web";
  policy.namespace_name = "web";
  policy.namespace_selector = "kubernetes.io/metadata.name == 'web'";
  Rule rule;
  rule.protocol = Protocol::Tcp;
  rule.service = ServicePeer{service_name, "shop"};
  policy.egress.push_back(rule);
  policy.egress.emplace_back().action = Action::Deny;
  return policy;
}

std::string yaml_of(const GlobalNetworkPolicy& policy) {
  return exporting::to_yaml(policy).value();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("names that YAML would read as something else are quoted and read back", "[yaml]") {
  for (const std::string name :
       {"on",   "off",  "y",    "n",     "yes",      "no",         "true", "false",
        "null", "1e3",  "0x10", "1_000", "12:30:45", "2026-05-18", "~",    "",
        " x",   "a: b", "a #b", "- a",   "*a",       "&a",         "!a",   "a\nb",
        "\"",   "'",    "\\",   "{a}",   "NO",       "a\xc2\x85"}) {
    const std::string text = yaml_of(policy_with(name.empty() ? "x" : name));
    if (name.empty()) continue;
    const YAML::Node found =
        YAML::Load(text)["spec"]["egress"][0]["destination"]["services"]["name"];

    CHECK(found.Tag() == "!");
    CHECK(found.as<std::string>() == name);
  }
}

TEST_CASE("harmless names stand plain", "[yaml]") {
  const std::string text = yaml_of(policy_with("kube-dns"));

  CHECK(text.find("name: kube-dns\n") != std::string::npos);
  CHECK(defects_of_policy(text).empty());
}

TEST_CASE("the order is a number, whole or not", "[yaml]") {
  GlobalNetworkPolicy policy = policy_with("x");
  policy.order = 1500;
  CHECK(yaml_of(policy).find("  order: 1500\n") != std::string::npos);
  policy.order = 1500.5;
  CHECK(yaml_of(policy).find("  order: 1500.5\n") != std::string::npos);
}

TEST_CASE("nothing in a comment can end it", "[yaml]") {
  GlobalNetworkPolicy policy = policy_with("x");
  const std::string hostile =
      "a\nspec: {selector: \"all()\"}\r\xc2\x85zz: 1\xe2\x80\xa8y: 2\x1b[31m\x7f\xff---";
  policy.header = {"h " + hostile};
  policy.comments = {hostile};
  policy.egress[0].annotations["outflow.dev/what"] = hostile;
  const std::string text = yaml_of(policy);

  CHECK(defects_of_policy(text).empty());
  CHECK(lines_of(text)[0].starts_with("# h a\\x0aspec:"));
  for (const char c : text) CHECK((c == '\n' || (c >= ' ' && c <= '~')));
  CHECK(YAML::LoadAll(text).size() == 1);
}

TEST_CASE("a hostile name from the evidence cannot break out of the whole policy", "[yaml]") {
  auto unknown = outside("198.18.0.1", attribution::PeerKind::Unknown);
  unknown.reason = "x\n---\nkind: Evil";
  auto evil = service("shop\nspec: {}", "a");
  const auto policy = synthesize(
      finding({record(unknown), record(evil), record(outside("192.0.2.1"))}), empty_cluster(), {});
  const std::string text = yaml_of(policy);

  CHECK(defects_of_policy(text).empty());
  CHECK(YAML::LoadAll(text).size() == 1);
  CHECK(YAML::Load(text)["spec"]["egress"].size() == 2);
}

TEST_CASE("a policy without rules is comments alone", "[yaml]") {
  GlobalNetworkPolicy policy = policy_with("x");
  policy.egress.clear();
  policy.header = {"NO POLICY IS WRITTEN: because"};
  const std::string text = yaml_of(policy);

  CHECK(text == "# NO POLICY IS WRITTEN: because\n");
  CHECK(defects_of_policy(text).empty());
}

TEST_CASE("the same policy is the same bytes", "[yaml]") {
  const auto write = [] {
    return yaml_of(synthesize(
        finding({record(outside("192.0.2.1")), record(service("kube-system", "kube-dns"), 53)}),
        empty_cluster(), {}));
  };

  CHECK(write() == write());
}

TEST_CASE("the structure check sees what it is there for", "[yaml]") {
  const std::string good = yaml_of(policy_with("cart"));
  const auto broken = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t where = text.find(from);
    REQUIRE(where != std::string::npos);
    return !defects_of_policy(text.replace(where, from.size(), to)).empty();
  };

  CHECK(defects_of_policy(good).empty());
  CHECK(broken("name: cart", "name: on"));
  CHECK(broken("services:", "domains:"));
  CHECK(broken("\"Deny\"", "\"Allow\""));
  CHECK(broken("\"Egress\"", "\"Ingress\""));
  CHECK(broken("order: 1500", "order: \"1500\""));
  CHECK(broken("namespace: shop", "namespace: shop\n        ports: [80]"));
}

TEST_CASE("domains are never printed for the dialect that would drop them", "[yaml]") {
  GlobalNetworkPolicy policy = policy_with("cart");
  policy.egress[0].service.reset();
  policy.egress[0].ports = {443};
  policy.egress[0].domains = DomainPeer{{"*.cdn.example.com"}};
  const auto refused = exporting::to_yaml(policy);
  policy.dialect = Dialect::CalicoEnterprise;

  REQUIRE_FALSE(refused);
  CHECK(refused.error().what ==
        "policy outflow-egress-web: rule 1 names domains, which calico-oss has not");
  CHECK(yaml_of(policy).find("        domains:\n          - \"*.cdn.example.com\"\n") !=
        std::string::npos);
  CHECK(defects_of_policy(yaml_of(policy), true).empty());
  CHECK_FALSE(defects_of_policy(yaml_of(policy)).empty());
}

TEST_CASE("a rule that lost its peer is refused", "[yaml]") {
  GlobalNetworkPolicy policy = policy_with("cart");
  policy.egress[0].service.reset();

  CHECK(exporting::to_yaml(policy).error().what ==
        "policy outflow-egress-web: rule 1 does not lead to exactly one peer");
}

TEST_CASE("sets stand before the policy that chooses them, without addresses unless given",
          "[yaml]") {
  GlobalNetworkPolicy policy = policy_with("cart");
  policy.egress[0].service.reset();
  policy.egress[0].ports = {443};
  policy.egress[0].set = SetPeer{"outflow-web-a"};
  policy.sets.push_back({"outflow-web-a", {{std::string(kSetLabel), "outflow-web-a"}}, {}, {}});
  const auto live = YAML::LoadAll(yaml_of(policy));
  policy.sets[0].nets = {net::Prefix::parse("192.0.2.1/32").value()};
  const auto whole = YAML::LoadAll(yaml_of(policy));

  REQUIRE(live.size() == 2);
  CHECK(live[0]["kind"].as<std::string>() == "GlobalNetworkSet");
  CHECK_FALSE(live[0]["spec"]);
  CHECK(whole[0]["spec"]["nets"][0].as<std::string>() == "192.0.2.1/32");
  CHECK(defects_of_policy(yaml_of(policy)).empty());
  const YAML::Node destination = whole[1]["spec"]["egress"][0]["destination"];
  CHECK(destination["namespaceSelector"].as<std::string>() == "global()");
  CHECK(destination["selector"].as<std::string>() == "outflow.dev/set == 'outflow-web-a'");
}
