#include "aggregator/synthesis/synthesize.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using namespace outflow::synthesis;
using attribution::PeerKind;

namespace {

inventory::Snapshot empty_cluster() {
  return {inventory::Model{}, at("2026-05-25")};
}

bool says(const std::vector<std::string>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("a policy selects one namespace's pods, and its last rule denies", "[synthesize]") {
  const auto policy =
      synthesize(finding({record(outside("192.0.2.1"))}), empty_cluster(), {.order = 1200});

  CHECK(policy.name == "outflow-egress-web");
  CHECK(policy.namespace_selector == "kubernetes.io/metadata.name == 'web'");
  CHECK(policy.order == 1200);
  REQUIRE(policy.egress.size() == 2);
  CHECK(policy.egress.back().action == Action::Deny);
  CHECK(is_well_formed(policy.egress.back(), Dialect::CalicoOss));
}

TEST_CASE("the name is one DNS label for every namespace name, and tells them apart",
          "[synthesize]") {
  const auto name_for = [](const std::string& namespace_name) {
    return synthesize(finding({}, namespace_name), empty_cluster(), {}).name;
  };
  const std::string longest(48, 'n');

  CHECK(name_for(longest) == "outflow-egress-" + longest);
  CHECK(name_for(longest + "a").size() == 63);
  CHECK(name_for(longest + "a") != name_for(longest + "b"));
  CHECK(name_for(std::string(38, 'n') + "-" + std::string(20, 'm')).find("--") ==
        std::string::npos);
}

TEST_CASE("the header says the window, the horizon and what is missing", "[synthesize]") {
  auto horizon = valid_days(2);
  horizon.incomplete = true;
  const auto policy = synthesize(
      finding({record(outside("192.0.2.1")), record(outside("192.0.2.2"), 443, Protocol::Tcp, 0)},
              "web", horizon),
      empty_cluster(), {});

  CHECK(says(policy.header, "namespace web"));
  CHECK(says(policy.header, "2026-05-18T10:00:00Z .. 2026-05-18T11:00:00Z"));
  CHECK(says(policy.header, "valid days 2 of 7 (insufficient: 1 day (2026-05-18): still running)"));
  CHECK(says(policy.header, "Incomplete"));
  CHECK(says(policy.header, "1 Allow and the final Deny; 1 destination seen without a rule"));
  CHECK(policy.comments ==
        std::vector<std::string>{"192.0.2.2 443/TCP: attempts alone (2, 0 refused), nothing was "
                                 "ever established (2026-05-18T10:00:00Z .. "
                                 "2026-05-18T11:00:00Z, 1 day)"});
}

TEST_CASE("an evidence that is enough is not called insufficient", "[synthesize]") {
  const auto policy = synthesize(finding({record(outside("192.0.2.1"))}), empty_cluster(), {});

  CHECK(says(policy.header, "valid days 7 of 7."));
  CHECK_FALSE(says(policy.header, "insufficient"));
  CHECK_FALSE(says(policy.header, "Incomplete"));
}

TEST_CASE("more days than wanted do not read as a mistake", "[synthesize]") {
  const auto policy = synthesize(finding({record(outside("192.0.2.1"))}, "web", valid_days(8)),
                                 empty_cluster(), {});

  CHECK(says(policy.header, "Horizon: valid days 8, 7 wanted."));
  CHECK(policy.annotations.at("outflow.dev/valid-days") == "8, 7 wanted");
}

TEST_CASE("an inventory without NetworkPolicies may have none, or was not asked for them",
          "[synthesize]") {
  inventory::Model model;
  const auto header = [&model] {
    return synthesize(finding({record(outside("192.0.2.1"))}),
                      inventory::Snapshot(model, at("2026-05-25")), {})
        .header;
  };

  CHECK(says(header(),
             "Not known: egress NetworkPolicies; none in the inventory: either none exist, or "
             "networkpolicies was not asked for."));
  model.has_network_policies = true;
  CHECK_FALSE(says(header(), "NetworkPolicies"));
}

TEST_CASE("the header says that Calico's own policies are not known, and which come before",
          "[synthesize]") {
  const auto header = [](std::vector<store::History> records, double order) {
    return synthesize(finding(records), empty_cluster(), {.order = order}).header;
  };

  CHECK(says(header({record(outside("192.0.2.1"))}, 1200),
             "Not known: Calico policies and tiers; one that allows at an order below 1200, or in "
             "an earlier Calico tier, decides before this one."));
  CHECK(says(header({}, 0.5), "at an order below 0.5,"));
  CHECK_FALSE(says(synthesize(finding({}, "A"), empty_cluster(), {}).header, "Calico policies"));
}

TEST_CASE("the header names the Calico policies that decide before ours, where they are known",
          "[synthesize]") {
  inventory::Model model;
  model.namespaces = {{"web", {{"tier", "4-aux"}}}};
  model.has_calico_policies = true;
  const auto header = [&model] {
    return synthesize(finding({record(outside("192.0.2.1"))}),
                      inventory::Snapshot(model, at("2026-05-25")), {})
        .header;
  };
  CHECK(says(header(), "Calico policies that decide egress before this one: none."));

  const auto policy = [](std::string name, std::optional<double> order, std::string selects) {
    inventory::CalicoPolicy made;
    made.kind = inventory::Kind::GlobalCalicoPolicy;
    made.name = std::move(name);
    made.order = order;
    made.namespace_selector = std::move(selects);
    made.egress = made.allows = true;
    return made;
  };
  auto early = policy("early", 9000, "has(tier) && tier in {'4-aux', '3-edge'}");
  early.tier = "security";
  auto ingress = policy("ingress", 100, "");
  ingress.egress = false;
  auto own = policy("own", 10, "");
  own.kind = inventory::Kind::CalicoPolicy;
  own.namespace_name = "web";
  own.denies = true;
  auto other = own;
  other.namespace_name = "shop";
  model.calico_tiers = {{"security", 100, "Deny"}, {"default", 1000000, "Deny"}};
  model.calico_policies = {policy("dns", 100, ""),
                           policy("observe", 2000, ""),
                           policy("last", std::nullopt, ""),
                           policy("shop", 100, "kubernetes.io/metadata.name == 'shop'"),
                           policy("maybe", 200, "tier == '0-core' || has(x)"),
                           early,
                           ingress,
                           own,
                           other};

  CHECK(
      says(header(),
           "WARNING: Calico policies may decide egress before this one: GlobalNetworkPolicy early "
           "(tier security, order 9000, allows); Calico NetworkPolicy web/own (tier default, "
           "order 10, allows and denies); GlobalNetworkPolicy dns (tier default, order 100, "
           "allows); GlobalNetworkPolicy maybe (tier default, order 200, allows)."));
  CHECK_FALSE(says(header(), "Not known: Calico"));
}

TEST_CASE("the header names egress NetworkPolicies and pods on the host's network",
          "[synthesize]") {
  inventory::Model model;
  model.egress_policies = {{"web", "deny-all"}, {"shop", "other"}};
  model.has_network_policies = true;
  inventory::Pod pod;
  pod.namespace_name = "web";
  pod.name = "exporter-x";
  pod.workload = {"DaemonSet", "exporter"};
  pod.host_network = true;
  model.pods = {pod};
  const auto policy = synthesize(finding({record(outside("192.0.2.1"))}),
                                 inventory::Snapshot(model, at("2026-05-25")), {});

  CHECK(says(policy.header, "egress NetworkPolicies: deny-all."));
  CHECK(says(policy.header, "DaemonSet/exporter"));
}

TEST_CASE("apart traffic is shown in the header and gets no rule", "[synthesize]") {
  store::History inferred = record(outside("192.0.2.9"));
  inferred.raw.apart = kFlowInferred;
  const auto policy = synthesize(finding({inferred}), empty_cluster(), {});

  CHECK(says(policy.header, "192.0.2.9 443/TCP"));
  CHECK(policy.egress.size() == 1);
  CHECK(says(policy.header, "denies all egress"));
}

TEST_CASE("the header says since when nothing tells of the cluster", "[synthesize]") {
  inventory::Lives lives;
  lives.known_until = at("2026-05-24");
  const inventory::Snapshot stale({}, std::move(lives), at("2026-05-25"));
  const inventory::Snapshot whole({}, at("2026-05-25"));
  const auto found = finding({record(outside("192.0.2.1"))});

  const std::string warning = "WARNING: the cluster is known as of 2026-05-24T00:00:00Z only";
  CHECK(says(synthesize(found, stale, {}).header, warning));
  CHECK_FALSE(says(synthesize(found, whole, {}).header, warning));
}

TEST_CASE("more rules than Calico takes are refused, and nothing can be applied", "[synthesize]") {
  const auto with_externals = [](int count) {
    std::vector<store::History> records;
    records.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      records.push_back(
          record(outside("198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250))));
    }
    return synthesize(finding(records), empty_cluster(), {});
  };

  CHECK(with_externals(1023).egress.size() == kRulesMax);
  const auto refused = with_externals(1024);
  CHECK(refused.egress.empty());
  CHECK(says(refused.header, "NO POLICY IS WRITTEN: 1025 rules"));
}

TEST_CASE("a namespace name that is no Kubernetes name gets no policy", "[synthesize]") {
  for (const char* name : {"", "a'b", "A", "a\nb", "-a", "a.b"}) {
    const auto policy =
        synthesize(finding({record(outside("192.0.2.1"))}, name), empty_cluster(), {});

    CHECK(policy.egress.empty());
    CHECK(says(policy.header, "NO POLICY IS WRITTEN"));
  }
}

TEST_CASE("a verdict says what the policy would", "[synthesize]") {
  const auto verdict = [](const store::History& history) {
    const auto found = finding({history});
    return verdict_of(found.needs[0], found.needs, {.namespace_name = "web"});
  };

  CHECK(verdict(record(service("kube-system", "kube-dns"), 53, Protocol::Udp)) ==
        "allow: service kube-system/kube-dns");
  auto older = record(outside("192.0.2.1"));
  older.stats.attempts = 0;
  older.stats.flags = kFlowPreExisting;
  CHECK(verdict(older) == "allow: 192.0.2.1 (pre-existing)");
  CHECK(verdict(record(outside("192.0.2.1"), 443, Protocol::Tcp, 0)) ==
        "no rule: attempts alone (2, 0 refused), nothing was ever established");
  CHECK(verdict(record(outside("2001:db8::1"), 0, Protocol::Icmp))
            .starts_with("no rule: an ICMP echo of the other address family"));
  CHECK(verdict(record(outside("169.254.169.254", PeerKind::Metadata), 80))
            .starts_with("no rule: instance metadata"));
}

TEST_CASE("system namespaces are known by name", "[synthesize]") {
  for (const char* name :
       {"kube-system", "calico-apiserver", "tigera-operator", "outflow-system"}) {
    CHECK(is_system_namespace(name, kOwnNamespace));
  }
  CHECK_FALSE(is_system_namespace("web", kOwnNamespace));
  CHECK_FALSE(is_system_namespace("my-kube-things", kOwnNamespace));
  CHECK(is_system_namespace("egress", "egress"));
  CHECK_FALSE(is_system_namespace("outflow-system", "egress"));
}
