#include "aggregator/synthesis/rules.h"

#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using namespace outflow::synthesis;
using attribution::PeerKind;

namespace {

inventory::Snapshot cluster() {
  inventory::Service dns;
  dns.namespace_name = "kube-system";
  dns.name = "kube-dns";
  dns.cluster_addresses = {ip("10.96.0.10"), ip("fd00:96::10")};
  inventory::Model model;
  model.services = {dns};
  return {model, at("2026-05-25")};
}

std::vector<Rule> rules_for(const std::vector<store::History>& records) {
  std::vector<Rule> rules = allow_rules(finding(records).needs, cluster());
  for (const Rule& rule : rules) CHECK(is_well_formed(rule, Dialect::CalicoOss));
  return rules;
}

const attribution::Peer kDns = service("kube-system", "kube-dns");

std::string nets(const Rule& rule) {
  std::string text;
  if (rule.nets) {
    for (const net::Prefix& prefix : rule.nets->nets) text += prefix.to_string() + " ";
  }
  return text;
}

using Ports = std::vector<std::uint16_t>;

}  // namespace

TEST_CASE("DNS by ClusterIP gets the service and the address, over UDP and TCP, first of all",
          "[rules][dns]") {
  const auto rules =
      rules_for({record(service("aaa", "first"), 80), record(kDns, 53, Protocol::Udp)});

  REQUIRE(rules.size() == 5);
  CHECK(rules[0].service->name == "kube-dns");
  CHECK(rules[0].protocol == Protocol::Udp);
  CHECK(rules[1].service->name == "kube-dns");
  CHECK(rules[1].protocol == Protocol::Tcp);
  CHECK(rules[1].annotations.at("outflow.dev/evidence").starts_with("implied"));
  for (const std::size_t i : {2U, 3U}) {
    CHECK(nets(rules[i]) == "10.96.0.10/32 ");
    CHECK(rules[i].ports == Ports{53});
    CHECK(rules[i].annotations.at("outflow.dev/what").find("NodeLocal DNSCache") !=
          std::string::npos);
  }
  CHECK(rules[2].protocol == Protocol::Udp);
  CHECK(rules[3].protocol == Protocol::Tcp);
  CHECK(rules[4].service->name == "first");
}

TEST_CASE("a resolver service met by another address than its ClusterIP gets no address rule",
          "[rules][dns]") {
  auto balanced = service("kube-system", "kube-dns", "198.51.100.53");
  balanced.reason = "load-balancer";
  const auto rules = rules_for({record(balanced, 53, Protocol::Udp)});

  REQUIRE(rules.size() == 2);
  CHECK(rules[0].service);
  CHECK(rules[1].service);
}

TEST_CASE("a resolver service asked in both families gets an address rule for each",
          "[rules][dns]") {
  const auto rules =
      rules_for({record(kDns, 53, Protocol::Udp),
                 record(service("kube-system", "kube-dns", "fd00:96::10"), 53, Protocol::Udp)});

  REQUIRE(rules.size() == 6);
  CHECK(nets(rules[2]) == "10.96.0.10/32 ");
  CHECK(nets(rules[3]) == "fd00:96::10/128 ");
  CHECK(rules[3].ip_version == 6);
}

TEST_CASE("DNS metrics of the resolver share its TCP service rule", "[rules][dns]") {
  const auto rules =
      rules_for({record(kDns, 53, Protocol::Udp), record(kDns, 9153, Protocol::Tcp)});

  REQUIRE(rules.size() == 4);
  CHECK(rules[1].service);
  CHECK(rules[1].annotations.at("outflow.dev/what") == "service kube-system/kube-dns, port 9153");
  CHECK(rules[3].ports == Ports{53});
}

TEST_CASE("resolvers at other addresses get both protocols too", "[rules][dns]") {
  const auto rules =
      rules_for({record(outside("169.254.20.10", PeerKind::Private), 53, Protocol::Udp),
                 record(outside("192.0.2.53"), 53, Protocol::Tcp),
                 record(workload("kube-system", "coredns"), 53, Protocol::Udp)});

  REQUIRE(rules.size() == 6);
  CHECK(rules[0].pods->selector == "app == 'coredns'");
  CHECK(rules[1].pods);
  CHECK(nets(rules[2]) == "169.254.20.10/32 ");
  CHECK(nets(rules[4]) == "192.0.2.53/32 ");
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(rules[i].protocol == (i % 2 == 0 ? Protocol::Udp : Protocol::Tcp));
    CHECK(rules[i].ports == Ports{53});
  }
}

TEST_CASE("a resolver pod behind a service's port 53 gets both protocols on its own port",
          "[rules][dns]") {
  inventory::Service dns;
  dns.namespace_name = "openshift-dns";
  dns.name = "dns-default";
  dns.ports = {{"dns", 53, "dns-port", 0, Protocol::Udp},
               {"metrics", 9154, "9154", 0, Protocol::Tcp}};
  inventory::Pod pod;
  pod.namespace_name = "openshift-dns";
  pod.name = "dns-default-x";
  pod.phase = "Running";
  pod.addresses = {ip("10.244.1.7")};
  pod.ports = {{"dns-port", 5353, Protocol::Udp}};
  inventory::Model model;
  model.services = {dns};
  model.pods = {pod};
  auto resolver = workload("openshift-dns", "dns-default");
  resolver.service = "openshift-dns/dns-default";
  const auto found =
      finding({record(resolver, 5353, Protocol::Udp), record(resolver, 9154, Protocol::Tcp)});
  const auto rules = allow_rules(found.needs, inventory::Snapshot(model, at("2026-05-25")));

  REQUIRE(rules.size() == 3);
  CHECK(rules[0].protocol == Protocol::Udp);
  CHECK(rules[1].protocol == Protocol::Tcp);
  CHECK(rules[0].ports == Ports{5353});
  CHECK(rules[1].ports == Ports{5353});
  CHECK(rules[2].ports == Ports{9154});
}

TEST_CASE("without DNS seen there is no DNS rule", "[rules][dns]") {
  CHECK(rules_for({record(outside("192.0.2.1"))}).size() == 1);
}

TEST_CASE("a service gets one rule per protocol and never a port", "[rules]") {
  const auto rules =
      rules_for({record(service("shop", "cart"), 80), record(service("shop", "cart"), 443),
                 record(service("shop", "cart"), 80, Protocol::Udp)});

  REQUIRE(rules.size() == 2);
  CHECK(rules[0].ports.empty());
  CHECK(rules[0].annotations.at("outflow.dev/what") == "service shop/cart, ports 80, 443");
  CHECK(rules[1].protocol == Protocol::Udp);
}

TEST_CASE("the API server is the service default/kubernetes, whatever its address", "[rules]") {
  const auto rules = rules_for({record(outside("10.0.0.1", PeerKind::ApiServer), 6443)});

  REQUIRE(rules.size() == 1);
  CHECK(rules[0].service->namespace_name == "default");
  CHECK(rules[0].service->name == "kubernetes");
  CHECK(rules[0].ports.empty());
}

TEST_CASE("a workload is its namespace, its labels and the ports seen, own ones too", "[rules]") {
  const auto rules =
      rules_for({record(workload("web", "cache"), 6379), record(workload("web", "cache"), 6380)});

  REQUIRE(rules.size() == 1);
  CHECK(rules[0].pods->namespace_selector == "kubernetes.io/metadata.name == 'web'");
  CHECK(rules[0].pods->selector == "app == 'cache'");
  CHECK(rules[0].ports == Ports{6379, 6380});
}

TEST_CASE("a workload without stable labels is met by its service, else by its namespace",
          "[rules]") {
  auto served = workload("dbaas", "a-served");
  served.selector.clear();
  served.service = "dbaas/mysql";
  auto bare = workload("dbaas", "bare");
  bare.selector.clear();
  const auto rules = rules_for({record(served, 3306), record(bare, 3306)});

  REQUIRE(rules.size() == 2);
  CHECK(rules[0].service->name == "mysql");
  CHECK(rules[1].pods->selector.empty());
  CHECK(rules[1].ports == Ports{3306});
  CHECK(rules[1].annotations.at("outflow.dev/what").find("every pod of namespace dbaas") !=
        std::string::npos);
}

TEST_CASE("a label that would end its string in a selector is not used", "[rules]") {
  for (const std::string& selector :
       {std::string("app == 'x' || all()"), std::string("app == 'x'') || has(y"),
        std::string("app == 'x'\n"), std::string("all()"), std::string("app == '"),
        std::string("app == 'x' && "), std::string(" == 'x'"), std::string("app == 'x' && all()"),
        "app == '" + std::string(2000, 'a') + "'"}) {
    auto peer = workload("dbaas", "mysql");
    peer.selector = selector;
    const auto rules = rules_for({record(peer, 3306)});

    REQUIRE(rules.size() == 1);
    CHECK(rules[0].pods->selector.empty());
  }
}

TEST_CASE("addresses become host prefixes, one family per rule", "[rules]") {
  auto named = outside("192.0.2.1", PeerKind::Provider);
  named.name = "Example/CDN/global";
  auto named6 = outside("2001:db8::1", PeerKind::Provider);
  named6.name = named.name;
  const auto rules = rules_for({record(named), record(named6)});

  REQUIRE(rules.size() == 2);
  CHECK(nets(rules[0]) == "192.0.2.1/32 ");
  CHECK(rules[0].ip_version == 4);
  CHECK(nets(rules[1]) == "2001:db8::1/128 ");
  CHECK(rules[1].ip_version == 6);
}

TEST_CASE("addresses are annotated with what they are", "[rules]") {
  const auto what = [](const attribution::Peer& peer) {
    return rules_for({record(peer)}).at(0).annotations.at("outflow.dev/what");
  };

  CHECK(what(outside("192.0.2.1")) == "192.0.2.1, a public address, no name is known");
  CHECK(what(outside("100.64.0.1", PeerKind::Private)) ==
        "100.64.0.1, a private address outside the cluster");
  CHECK(what(node("w1", "10.0.0.1")) == "node w1");
}

TEST_CASE("a rule takes at most 250 nets and 50 ports", "[rules]") {
  std::vector<store::History> many_nets;
  for (int i = 0; i < 300; ++i) {
    auto named = outside("198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250),
                         PeerKind::Provider);
    named.name = "Example/CDN/global";
    many_nets.push_back(record(named));
  }
  const auto by_nets = rules_for(many_nets);
  REQUIRE(by_nets.size() == 2);
  CHECK(by_nets[0].nets->nets.size() == kNetsMax);
  CHECK(by_nets[1].nets->nets.size() == 50);

  std::vector<store::History> many_ports;
  for (std::uint16_t port = 1000; port < 1101; ++port) {
    many_ports.push_back(record(outside("192.0.2.1"), port));
  }
  const auto by_ports = rules_for(many_ports);
  REQUIRE(by_ports.size() == 3);
  CHECK(by_ports[0].ports.size() == kPortsMax);
  CHECK(by_ports[2].ports == Ports{1100});
}

TEST_CASE("ICMP echoes are allowed by type, per family, and never by port or service", "[rules]") {
  const auto rules = rules_for({record(outside("192.0.2.1"), 0, Protocol::Icmp),
                                record(outside("2001:db8::1"), 0, Protocol::Icmpv6),
                                record(service("shop", "cart", "10.96.0.20"), 0, Protocol::Icmp),
                                record(workload("dbaas", "mysql"), 0, Protocol::Icmp)});

  REQUIRE(rules.size() == 4);
  for (const Rule& rule : rules) {
    CHECK(rule.ports.empty());
    CHECK_FALSE(rule.service);
    CHECK(rule.icmp_type == (rule.protocol == Protocol::Icmp ? 8 : 128));
    CHECK(rule.ip_version == (rule.protocol == Protocol::Icmp ? 4 : 6));
  }
  CHECK(nets(rules[0]) == "10.96.0.20/32 ");
}

TEST_CASE("an echo never names an address of the other family", "[rules]") {
  const auto both =
      rules_for({record(node("w1", "fd00::1"), 0, Protocol::Icmp),
                 on_day(record(node("w1", "10.0.0.1"), 0, Protocol::Icmp), "2026-05-19")});

  REQUIRE(both.size() == 1);
  CHECK(nets(both[0]) == "10.0.0.1/32 ");
  CHECK(rules_for({record(outside("192.0.2.1"), 0, Protocol::Icmpv6)}).empty());
  CHECK(rules_for({record(outside("2001:db8::1"), 0, Protocol::Icmp)}).empty());
}

TEST_CASE("SCTP has ports, an unnamed protocol has none", "[rules]") {
  const auto gre = static_cast<Protocol>(47);
  const auto rules = rules_for(
      {record(outside("192.0.2.1"), 3868, Protocol::Sctp), record(outside("192.0.2.2"), 0, gre)});

  REQUIRE(rules.size() == 2);
  CHECK(rules[0].ports == Ports{3868});
  CHECK(rules[1].protocol == gre);
  CHECK(rules[1].ports.empty());
}

TEST_CASE("one-way traffic of two days gets a rule of its own that says so", "[rules]") {
  const auto silent = record(outside("192.0.2.1"), 514, Protocol::Udp, 0);
  const auto rules = rules_for(
      {silent, on_day(silent, "2026-05-19"), record(outside("192.0.2.1"), 123, Protocol::Udp, 1)});

  REQUIRE(rules.size() == 2);
  CHECK(rules[0].ports == Ports{123});
  CHECK(rules[0].annotations.count("outflow.dev/one-way") == 0);
  CHECK(rules[1].ports == Ports{514});
  CHECK(rules[1].annotations.at("outflow.dev/one-way") == "true");
}

TEST_CASE("an unanswered high UDP port is marked for review", "[rules]") {
  const auto peer = outside("10.20.30.40", PeerKind::Private);
  const auto silent = record(peer, 40000, Protocol::Udp, 0);
  const auto rules = rules_for({silent, on_day(silent, "2026-05-19")});

  REQUIRE(rules.size() == 1);
  CHECK(rules[0].annotations.count("outflow.dev/review") == 1);
  const auto answered = rules_for({record(peer, 51820, Protocol::Udp, 1)});
  CHECK(answered.at(0).annotations.count("outflow.dev/review") == 0);
}

TEST_CASE("what is not proven, or no allowlist should name, gets no rule", "[rules]") {
  auto nameless = workload("", "x");
  auto hostile = service("shop", "cart' || 'x");
  const auto rules =
      rules_for({record(outside("192.0.2.1"), 443, Protocol::Tcp, 0),
                 record(outside("192.0.2.2"), 514, Protocol::Udp, 0),
                 record(outside("198.18.0.1", PeerKind::Unknown)),
                 record(outside("169.254.169.254", PeerKind::Metadata), 80),
                 record(outside("169.254.169.254", PeerKind::Metadata), 53, Protocol::Udp),
                 record(outside("224.0.0.251", PeerKind::Multicast), 5353, Protocol::Udp),
                 record(outside("192.0.2.3"), 4789, Protocol::Udp),
                 record(outside("192.0.2.4"), 0, static_cast<Protocol>(4)),
                 record(outside("192.0.2.5"), 0, Protocol::Tcp),
                 record(outside("192.0.2.6"), 0, static_cast<Protocol>(0)), record(nameless),
                 record(hostile)});

  CHECK(rules.empty());
}

TEST_CASE("a rule carries its evidence", "[rules]") {
  const auto rules =
      rules_for({record(outside("192.0.2.1")), on_day(record(outside("192.0.2.1")), "2026-05-20"),
                 record(outside("192.0.2.2"), 123, Protocol::Udp, 4)});

  REQUIRE(rules.size() == 2);
  const auto& tcp = rules[0].annotations;
  CHECK(tcp.at("outflow.dev/first") == "2026-05-18T10:00:00Z");
  CHECK(tcp.at("outflow.dev/last") == "2026-05-20T11:00:00Z");
  CHECK(tcp.at("outflow.dev/days") == "2");
  CHECK(tcp.at("outflow.dev/flows") == "2");
  CHECK(tcp.at("outflow.dev/bytes") == "2000");
  CHECK(tcp.at("outflow.dev/evidence") == "agent");
  CHECK(rules[1].annotations.at("outflow.dev/flows") == "10");
}

TEST_CASE("a service rule says when it allows more ports than were seen", "[rules]") {
  inventory::Service mixed;
  mixed.namespace_name = "dbaas";
  mixed.name = "mixed";
  mixed.cluster_addresses = {ip("10.96.0.20")};
  mixed.ports = {{"a", 80, "8080", 0, Protocol::Tcp},
                 {"b", 443, "https", 0, Protocol::Tcp},
                 {"c", 514, "514", 0, Protocol::Udp}};
  inventory::Service dns;
  dns.namespace_name = "kube-system";
  dns.name = "kube-dns";
  dns.cluster_addresses = {ip("10.96.0.10")};
  dns.ports = {{"dns", 53, "53", 0, Protocol::Udp},
               {"dns-tcp", 53, "53", 0, Protocol::Tcp},
               {"metrics", 9153, "9153", 0, Protocol::Tcp}};
  inventory::Model model;
  model.services = {mixed, dns};
  const auto what = [&model](const std::vector<store::History>& records, std::size_t rule) {
    return allow_rules(finding(records).needs, inventory::Snapshot(model, at("2026-05-25")))
        .at(rule)
        .annotations.at("outflow.dev/what");
  };
  const auto peer = service("dbaas", "mixed", "10.96.0.20");
  auto behind = workload("dbaas", "bare");
  behind.selector = "";
  behind.service = "dbaas/mixed";

  CHECK(what({record(peer, 80)}, 0) ==
        "service dbaas/mixed, port 80; all its TCP ports are allowed");
  CHECK(what({record(peer, 80), record(peer, 443)}, 0) == "service dbaas/mixed, ports 80, 443");
  CHECK(what({record(peer, 514, Protocol::Udp)}, 0) == "service dbaas/mixed, port 514");
  CHECK(what({record(behind, 8080)}, 0).ends_with("port 8080; all its TCP ports are allowed"));
  // DNS over TCP is implied, and the service has another TCP port; the rule by its address has not.
  CHECK(what({record(kDns, 53, Protocol::Udp)}, 0) == "service kube-system/kube-dns, port 53");
  CHECK(what({record(kDns, 53, Protocol::Udp)}, 1) ==
        "service kube-system/kube-dns, port 53; all its TCP ports are allowed");
  CHECK(what({record(kDns, 53, Protocol::Udp)}, 3).find("are allowed") == std::string::npos);
}

TEST_CASE("a rule that names a node's or a public address asks for a review", "[rules]") {
  const auto review = [](const store::History& history) {
    const auto annotations = rules_for({history}).at(0).annotations;
    const auto found = annotations.find("outflow.dev/review");
    return found == annotations.end() ? "" : found->second;
  };
  auto unanswered = record(outside("192.0.2.1"), 40000, Protocol::Udp, 0);
  const auto both = rules_for({unanswered, on_day(unanswered, "2026-05-19")}).at(0).annotations;

  CHECK(review(record(node("w2", "10.0.0.2"))) == "this node only: a new node is denied");
  CHECK(review(record(node("w2", "fd00::2"))) == "this node only: a new node is denied");
  CHECK(review(record(outside("192.0.2.1"))) == "a public address: it may change");
  auto ranged = record(outside("192.0.2.1", PeerKind::Provider));
  ranged.peer.name = "AWS/S3/eu-west-1";
  CHECK(review(ranged) ==
        "an address of AWS/S3/eu-west-1 without a name: it may change, and whoever else is or "
        "comes behind it is allowed too");
  CHECK(review(record(outside("10.20.30.40", PeerKind::Private))).empty());
  CHECK(review(record(service("shop", "cart"))).empty());
  CHECK(both.at("outflow.dev/review") ==
        "a public address: it may change; an unanswered high port may be the answering half of "
        "somebody else's conversation");
}

TEST_CASE("an implied DNS rule asks for the same review as the seen one", "[rules][dns]") {
  const auto rules = rules_for({record(outside("192.0.2.53"), 53, Protocol::Udp)});

  REQUIRE(rules.size() == 2);
  for (const Rule& rule : rules) {
    CHECK(rule.annotations.at("outflow.dev/review") == "a public address: it may change");
  }
}

TEST_CASE("a rule that rests on conversations older than the agent alone says so", "[rules]") {
  const auto mark = [](const std::vector<store::History>& records) {
    const auto annotations = rules_for(records).at(0).annotations;
    const auto found = annotations.find("outflow.dev/pre-existing");
    return found == annotations.end() ? "" : found->second;
  };
  auto older = record(outside("192.0.2.1"));
  older.stats.attempts = 0;
  older.stats.flags = kFlowPreExisting;
  auto opened_again = older;
  opened_again.stats.attempts = 1;
  const auto fresh = record(outside("192.0.2.1"));
  auto older_udp = record(outside("192.0.2.1"), 443, Protocol::Udp);
  older_udp.stats.flags = kFlowPreExisting;
  auto silent_udp = older_udp;
  silent_udp.stats.packets = 0;

  CHECK(mark({older}) == "true");
  CHECK(mark({older, on_day(older, "2026-05-19")}) == "true");
  CHECK(mark({silent_udp}) == "true");
  CHECK(mark({fresh}).empty());
  CHECK(mark({older, on_day(fresh, "2026-05-19")}).empty());
  CHECK(mark({opened_again}).empty());
  CHECK(mark({older, record(outside("192.0.2.1"), 8443)}).empty());
  // Whose datagrams came later, the old conversation's or a new one's, nobody can tell.
  CHECK(mark({older_udp}).empty());
}
