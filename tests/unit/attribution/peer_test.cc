// To whom it was sent.
#include <random>

#include "aggregator/attribution/attribute.h"
#include "tests/support/catch.h"

namespace outflow::attribution {
namespace {

using namespace std::chrono_literals;
using inventory::Labels;
using inventory::Model;
using inventory::Node;
using inventory::Pod;
using inventory::Service;
using inventory::Snapshot;

const TimePoint kNow = from_unix_ns(1'779'000'000'000'000'000);  // in May 2026

net::Address ip(std::string_view text) {
  return *net::Address::parse(text);
}

Service service(std::string namespace_name, std::string name, std::string type,
                std::vector<net::Address> inside, std::vector<net::Address> outside = {}) {
  Service made;
  made.namespace_name = std::move(namespace_name);
  made.name = std::move(name);
  made.type = std::move(type);
  made.cluster_addresses = std::move(inside);
  made.outside_addresses = std::move(outside);
  return made;
}

// Two namespaces and what every cluster has.
Model two_namespaces() {
  Model model;
  Node node;
  node.name = "w1";
  node.addresses = {ip("192.168.1.11"), ip("203.0.113.11")};
  node.pod_cidrs = {*net::Prefix::parse("10.244.1.0/24"), *net::Prefix::parse("fd00:1::/64")};
  model.nodes = {node};

  Pod web;
  web.namespace_name = "web";
  web.name = "web-7c9f6d5b8d-x2x4z";
  web.phase = "Running";
  web.workload = {"Deployment", "web"};
  web.addresses = {ip("10.244.1.5"), ip("fd00:1::5")};
  web.labels = {{"app", "web"}, {"pod-template-hash", "7c9f6d5b8d"}};
  Pod exporter;
  exporter.namespace_name = "db";
  exporter.name = "exporter";
  exporter.host_network = true;
  exporter.phase = "Running";
  exporter.addresses = {ip("192.168.1.11")};
  model.pods = {web, exporter};

  Service front = service("web", "front", "LoadBalancer", {ip("10.96.0.10"), ip("fd00:96::a")},
                          {ip("203.0.113.9")});
  front.ports = {{"http", 80, "8080", 30080, Protocol::Tcp}};
  Service shop = service("web", "shop", "ClusterIP", {ip("10.96.0.11")}, {ip("203.0.113.11")});
  shop.ports = {{"http", 8443, "8443", 0, Protocol::Tcp}};
  Service legacy = service("db", "legacy", "ClusterIP", {ip("10.96.0.12")});
  Service kubernetes = service("default", "kubernetes", "ClusterIP", {ip("10.96.0.1")});
  kubernetes.ports = {{"https", 443, "6443", 0, Protocol::Tcp}};
  Service node_exporter = service("monitoring", "node-exporter", "ClusterIP", {});
  model.services = {front, shop, legacy, kubernetes, node_exporter};
  model.endpoints = {{"web", "front", ip("10.244.1.5"), 8080, Protocol::Tcp},
                     {"db", "legacy", ip("192.0.2.50"), 5432, Protocol::Tcp},
                     {"monitoring", "node-exporter", ip("192.168.1.11"), 9100, Protocol::Tcp},
                     {"default", "kubernetes", ip("192.168.1.11"), 6443, Protocol::Tcp}};
  return model;
}

Peer peer_of(std::string_view address, std::uint16_t port = 443,
             Protocol protocol = Protocol::Tcp) {
  static const Snapshot snapshot(two_namespaces(), {});
  return attribute_peer(ip(address), port, protocol, kNow, snapshot);
}

TEST_CASE("a pod's address is its workload, with labels that last and the service behind it",
          "[peer]") {
  const Peer peer = peer_of("10.244.1.5", 8080);

  CHECK(peer.kind == PeerKind::Workload);
  CHECK(peer.namespace_name == "web");
  CHECK(peer.name == "web");
  CHECK(peer.workload_kind == "Deployment");
  CHECK(peer.selector == "app == 'web'");
  CHECK(peer.service == "web/front");
  CHECK(peer.address == ip("10.244.1.5"));
  CHECK(peer_of("10.244.1.5", 9000).service.empty());
  CHECK(peer_of("10.244.1.5", 8080, Protocol::Udp).service.empty());
  CHECK(peer_of("fd00:1::5").kind == PeerKind::Workload);
}

TEST_CASE("a service is met by its addresses in every way there is", "[peer]") {
  struct Row {
    const char* address;
    std::uint16_t port;
    const char* name;
    const char* reason;
  };
  for (const Row& row :
       {Row{"10.96.0.10", 80, "front", "cluster-ip"}, Row{"fd00:96::a", 80, "front", "cluster-ip"},
        Row{"10.96.0.10", 81, "front", "cluster-ip"},
        Row{"203.0.113.9", 80, "front", "load-balancer"},
        Row{"203.0.113.9", 81, "front", "load-balancer"},
        Row{"203.0.113.11", 8443, "shop", "external-ip"},
        Row{"192.168.1.11", 30080, "front", "node-port"},
        Row{"203.0.113.11", 30080, "front", "node-port"},
        Row{"192.0.2.50", 5432, "legacy", "endpoint"}}) {
    const Peer peer = peer_of(row.address, row.port);
    INFO(row.address << ":" << row.port);
    CHECK(peer.kind == PeerKind::Service);
    CHECK(peer.name == row.name);
    CHECK(peer.reason == row.reason);
    CHECK(peer.address == ip(row.address));
  }
}

TEST_CASE("the API server is met by its ClusterIP and by its endpoints", "[peer]") {
  CHECK(peer_of("10.96.0.1").kind == PeerKind::ApiServer);
  CHECK(peer_of("192.168.1.11", 6443).kind == PeerKind::ApiServer);
  CHECK(peer_of("192.168.1.11", 6443, Protocol::Udp).kind == PeerKind::Node);
}

TEST_CASE("a service whose endpoint is on a node's network is the service, not the node",
          "[peer]") {
  const Peer peer = peer_of("192.168.1.11", 9100);

  CHECK(peer.kind == PeerKind::Service);
  CHECK(peer.namespace_name == "monitoring");
  CHECK(peer.name == "node-exporter");
  CHECK(peer.reason == "endpoint");
  CHECK(peer_of("192.168.1.11", 9100, Protocol::Udp).kind == PeerKind::Node);
}

TEST_CASE("other ports of a node are the node, whatever runs on its network", "[peer]") {
  CHECK(peer_of("192.168.1.11", 10250).kind == PeerKind::Node);
  CHECK(peer_of("192.168.1.11", 10250).name == "w1");
  CHECK(peer_of("192.168.1.11", 30080, Protocol::Udp).kind == PeerKind::Node);
  // Its public address too, although a service has another port of it.
  CHECK(peer_of("203.0.113.11", 22).kind == PeerKind::Node);
}

TEST_CASE("addresses nobody in the cluster has are told by their range", "[peer]") {
  struct Row {
    const char* address;
    PeerKind kind;
  };
  for (const Row& row :
       {Row{"169.254.169.254", PeerKind::Metadata},  Row{"fd00:ec2::254", PeerKind::Metadata},
        Row{"224.0.0.251", PeerKind::Multicast},     Row{"239.255.255.255", PeerKind::Multicast},
        Row{"255.255.255.255", PeerKind::Multicast}, Row{"ff02::1", PeerKind::Multicast},
        Row{"10.0.0.1", PeerKind::Private},          Row{"172.16.0.1", PeerKind::Private},
        Row{"172.31.255.255", PeerKind::Private},    Row{"172.32.0.0", PeerKind::External},
        Row{"192.168.0.1", PeerKind::Private},       Row{"192.169.0.1", PeerKind::External},
        Row{"100.64.0.1", PeerKind::Private},        Row{"100.128.0.1", PeerKind::External},
        Row{"169.254.20.10", PeerKind::Private},  // a node-local DNS cache
        Row{"fe80::1", PeerKind::Private},           Row{"fd12::1", PeerKind::Private},
        Row{"192.0.2.10", PeerKind::External},       Row{"1.1.1.1", PeerKind::External},
        Row{"2001:db8::1", PeerKind::External},      Row{"2606:4700::1111", PeerKind::External},
        Row{"223.255.255.255", PeerKind::External}}) {
    const Peer peer = peer_of(row.address);
    INFO(row.address);
    CHECK(to_text(peer.kind) == to_text(row.kind));
    CHECK(peer.address == ip(row.address));
    CHECK(peer.reason.empty());
  }
}

TEST_CASE("what nobody can be is unknown, with the reason", "[peer]") {
  for (const char* address : {"127.0.0.1", "::1", "0.0.0.0", "::", "10.244.1.99", "fd00:1::99"}) {
    const Peer peer = peer_of(address);
    INFO(address);
    CHECK(peer.kind == PeerKind::Unknown);
    CHECK_FALSE(peer.reason.empty());
  }
  CHECK(peer_of("10.244.1.99").reason == "in a pod network, but no pod of the inventory has it");
  CHECK(peer_of("10.244.2.99").kind == PeerKind::Private);
}

TEST_CASE("a pod's address whose pod is not known is not the service behind which it stands",
          "[peer]") {
  Model model = two_namespaces();
  model.pods[0].phase = "Succeeded";
  model.pods[0].ended = kNow - 1h;
  const Snapshot snapshot(std::move(model), kNow);

  const Peer peer = attribute_peer(ip("10.244.1.5"), 8080, Protocol::Tcp, kNow, snapshot);
  CHECK(peer.kind == PeerKind::Unknown);
  CHECK(peer.reason == snapshot.why_no_pod(ip("10.244.1.5"), kNow));
}

TEST_CASE("a pod gets nothing of the time before it started or after it ended", "[peer]") {
  Pod ended;
  ended.namespace_name = "batch";
  ended.name = "run-1";
  ended.phase = "Succeeded";
  ended.workload = {"Job", "run"};
  ended.addresses = {ip("10.1.0.5")};
  ended.started = kNow - 3h;
  ended.ended = kNow - 2h;
  Pod runs = ended;
  runs.name = "web-1";
  runs.phase = "Running";
  runs.workload = {"Deployment", "web"};
  runs.started = kNow - 1h;
  runs.ended = {};
  Model model;
  model.pods = {ended, runs};
  const Snapshot snapshot(std::move(model), kNow);
  const auto peer_at = [&](TimePoint time) {
    return attribute_peer(ip("10.1.0.5"), 443, Protocol::Tcp, time, snapshot);
  };

  CHECK(peer_at(kNow).name == "web");
  CHECK(peer_at(kNow - 150min).name == "run");
  CHECK(peer_at(kNow - 90min).kind == PeerKind::Unknown);
  CHECK(
      peer_at(kNow - 90min).reason ==
      "the pod that had the address had ended by then, and the one that has it now started later");
  CHECK(peer_at(kNow - 200min).kind == PeerKind::Unknown);
  CHECK(peer_at(kNow - 200min).reason == "the pod that has the address now started later");
}

std::string selector_of(Labels labels) {
  Model model;
  Pod pod;
  pod.namespace_name = "web";
  pod.name = "web-1";
  pod.workload = {"Pod", "web-1"};
  pod.addresses = {ip("10.1.0.1")};
  pod.labels = std::move(labels);
  model.pods = {pod};
  const Snapshot snapshot(std::move(model), kNow);
  return attribute_peer(ip("10.1.0.1"), 1, Protocol::Tcp, kNow, snapshot).selector;
}

TEST_CASE("the selector takes the best label that lasts", "[peer]") {
  CHECK(selector_of({{"app.kubernetes.io/name", "pg"},
                     {"app.kubernetes.io/instance", "main"},
                     {"app", "x"}}) ==
        "app.kubernetes.io/name == 'pg' && app.kubernetes.io/instance == 'main'");
  CHECK(selector_of({{"app.kubernetes.io/name", "pg"}}) == "app.kubernetes.io/name == 'pg'");
  CHECK(selector_of({{"app.kubernetes.io/instance", "main"}, {"k8s-app", "y"}, {"app", "x"}}) ==
        "app == 'x'");
  CHECK(selector_of({{"k8s-app", "kube-dns"}, {"name", "z"}}) == "k8s-app == 'kube-dns'");
  CHECK(selector_of({{"name", "z"}}) == "name == 'z'");
}

TEST_CASE("labels of one revision, run or replica make no selector", "[peer]") {
  CHECK(selector_of({{"pod-template-hash", "7c9f6d5b8d"},
                     {"statefulset.kubernetes.io/pod-name", "db-0"},
                     {"apps.kubernetes.io/pod-index", "0"},
                     {"controller-uid", "u"},
                     {"batch.kubernetes.io/controller-uid", "u"},
                     {"job-name", "backup-29384720"},
                     {"batch.kubernetes.io/job-name", "backup-29384720"},
                     {"controller-revision-hash", "r"},
                     {"role", "primary"}})
            .empty());
}

TEST_CASE("a label that cannot stand in a selector is passed over for the next", "[peer]") {
  CHECK(selector_of({{"app", "it's"}, {"name", "z"}}) == "name == 'z'");
  CHECK(selector_of({{"app", "it's \"x\""}, {"name", "z"}}) == "name == 'z'");
  CHECK(selector_of({{"app", "a\nb"}, {"name", "z"}}) == "name == 'z'");
  CHECK(selector_of({{"app", ""}, {"name", "z"}}) == "name == 'z'");
  CHECK(selector_of({{"app", "it's"}}).empty());
}

TEST_CASE("every tuple gets a peer: a kind, its address, and a reason when unknown", "[peer]") {
  const Snapshot full(two_namespaces(), {});
  const Snapshot empty(Model{}, {});
  std::mt19937 random(20260518);
  for (int round = 0; round < 20000; ++round) {
    net::Address::Bytes bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const bool v4 = random() % 2 == 0;
    const net::Address address =
        v4 ? *net::Address::from_bytes(std::span(bytes).first(4)) : net::Address(bytes);
    const auto port = static_cast<std::uint16_t>(random());
    const auto protocol = static_cast<Protocol>(random() % 256);
    for (const Snapshot* snapshot : {&full, &empty}) {
      const Peer peer = attribute_peer(address, port, protocol, kNow, *snapshot);
      REQUIRE(peer.address == address);
      REQUIRE((peer.kind != PeerKind::Unknown || !peer.reason.empty()));
      REQUIRE_FALSE(display_name(peer).empty());
    }
  }
}

}  // namespace
}  // namespace outflow::attribution
