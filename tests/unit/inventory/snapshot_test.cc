#include "aggregator/inventory/snapshot.h"

#include <algorithm>
#include <memory>

#include "tests/support/catch.h"

namespace outflow::inventory {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow = from_unix_ns(1'779'000'000'000'000'000);  // in May 2026

net::Address ip(std::string_view text) {
  return *net::Address::parse(text);
}
net::Prefix cidr(std::string_view text) {
  return *net::Prefix::parse(text);
}

Pod pod(std::string name, std::string_view address, std::string phase = "Running") {
  Pod made;
  made.namespace_name = "web";
  made.name = std::move(name);
  made.phase = std::move(phase);
  made.addresses = {ip(address)};
  return made;
}

Service service(std::string name, std::vector<net::Address> inside,
                std::vector<net::Address> outside = {}) {
  Service made;
  made.namespace_name = "web";
  made.name = std::move(name);
  made.cluster_addresses = std::move(inside);
  made.outside_addresses = std::move(outside);
  return made;
}

TEST_CASE("an interface name is the one Calico gives", "[snapshot]") {
  // printf %s NAMESPACE.POD | sha1sum | head -c 11
  CHECK(calico_interface_name("default", "web-1") == "cali0761ccbeace");
  CHECK(calico_interface_name("kube-system", "coredns-abc") == "cali3d5d6ab04b5");
  CHECK(calico_interface_name("web", "frontend-7c9f6d5b8d-x2x4z") == "cali32e283ca7b8");
  CHECK(is_calico_interface_name("cali32e283ca7b8"));
  for (const char* name : {"", "cali", "cali1", "cali32e283ca7b", "cali32e283ca7b80",
                           "cali32e283ca7bg", "cali32E283CA7B8", "veth32e283ca7b8"}) {
    CHECK_FALSE(is_calico_interface_name(name));
  }
}

TEST_CASE("a pod is found by its interface, unless it uses its node's", "[snapshot]") {
  Pod own = pod("own", "10.1.0.1");
  Pod host = pod("host", "192.168.1.11");
  host.host_network = true;
  Model model;
  model.pods = {own, host};
  const Snapshot snapshot(std::move(model), {});

  REQUIRE(snapshot.pod_by_interface(calico_interface_name("web", "own"), kNow) != nullptr);
  CHECK(snapshot.pod_by_interface(calico_interface_name("web", "own"), kNow)->name == "own");
  CHECK(snapshot.pod_by_interface(calico_interface_name("web", "host"), kNow) == nullptr);
  CHECK(snapshot.pod_by_interface("cali00000000000", kNow) == nullptr);
  CHECK(snapshot.pod_by_interface("", kNow) == nullptr);
  CHECK(snapshot.pod_by_address(ip("192.168.1.11"), kNow) == nullptr);
}

TEST_CASE("of several pods with one address a running one owns it, and else nobody knows who",
          "[snapshot]") {
  Pod finished = pod("finished", "10.1.0.1", "Succeeded");
  finished.started = from_unix_ns(900);
  Pod running = pod("running", "10.1.0.1");
  running.started = from_unix_ns(100);
  Pod leaving = pod("leaving", "10.1.0.1");
  leaving.started = from_unix_ns(200);
  leaving.deleting = true;
  Pod older = pod("older", "10.1.0.2", "Failed");
  older.started = from_unix_ns(100);
  Pod newer = pod("newer", "10.1.0.2", "Failed");
  newer.started = from_unix_ns(200);

  for (const bool turned : {false, true}) {
    Model model;
    model.pods = {finished, running, leaving, older, newer};
    if (turned) std::reverse(model.pods.begin(), model.pods.end());
    const Snapshot snapshot(std::move(model), kNow);
    CHECK(snapshot.pod_by_address(ip("10.1.0.1"), kNow)->name == "running");
    CHECK(snapshot.pod_by_address(ip("10.1.0.2"), kNow) == nullptr);
    CHECK(snapshot.why_no_pod(ip("10.1.0.2"), kNow) ==
          "web/newer and web/older may both have had it then");
  }
}

TEST_CASE("a finished pod alone still owns its address: flows of the day may be its",
          "[snapshot]") {
  Model model;
  model.pods = {pod("done", "10.1.0.1", "Succeeded")};
  const Snapshot snapshot(std::move(model), kNow);

  REQUIRE(snapshot.pod_by_address(ip("10.1.0.1"), kNow) != nullptr);
}

TEST_CASE("a pod has its address from a minute before its start to a minute after its end",
          "[snapshot]") {
  Pod started = pod("started", "10.1.0.1");
  started.started = kNow;
  Pod ended = pod("ended", "10.1.0.2", "Failed");
  ended.ended = kNow;
  Pod some_end = pod("some-end", "10.1.0.3", "Succeeded");  // before the inventory was made
  Model model;
  model.pods = {started, ended, some_end, pod("some-start", "10.1.0.4")};
  const Snapshot snapshot(std::move(model), kNow);
  const auto had = [&](std::string_view address, std::chrono::seconds since) {
    const bool found = snapshot.pod_by_address(ip(address), kNow + since) != nullptr;
    CHECK(found == snapshot.why_no_pod(ip(address), kNow + since).empty());
    return found;
  };

  CHECK(had("10.1.0.1", -60s));
  CHECK_FALSE(had("10.1.0.1", -61s));
  CHECK(had("10.1.0.1", 8760h));
  for (const char* address : {"10.1.0.2", "10.1.0.3"}) {
    CHECK(had(address, -8760h));
    CHECK(had(address, 60s));
    CHECK_FALSE(had(address, 61s));
  }
  CHECK(had("10.1.0.4", -8760h));
  CHECK(snapshot.why_no_pod(ip("10.1.0.9"), kNow).empty());
}

TEST_CASE("of several pods with one address the one of the time owns it", "[snapshot]") {
  Pod finished = pod("finished", "10.1.0.1", "Succeeded");
  finished.started = kNow - 3h;
  finished.ended = kNow - 2h;
  Pod leaving = pod("leaving", "10.1.0.1");
  leaving.deleting = true;
  leaving.started = kNow - 2h;
  Pod running = pod("running", "10.1.0.1");
  running.started = kNow - 1h;
  Model model;
  model.pods = {finished, leaving, running};
  const Snapshot snapshot(std::move(model), kNow);
  const auto owner = [&](TimePoint time) {
    const PodPtr found = snapshot.pod_by_address(ip("10.1.0.1"), time);
    return found == nullptr ? "" : found->name;
  };

  CHECK(owner(kNow) == "running");
  CHECK(owner(kNow - 90min) == "leaving");
  CHECK(owner(kNow - 150min) == "finished");
  CHECK(owner(kNow - 200min).empty());
}

TEST_CASE("a service is found by every address it has, a pod's address is no service's",
          "[snapshot]") {
  Model model;
  model.services = {service("front", {ip("10.96.0.1"), ip("fd00:96::1")}, {ip("203.0.113.9")}),
                    service("odd", {}, {ip("10.1.0.1")})};
  model.pods = {pod("web-1", "10.1.0.1")};
  const Snapshot snapshot(std::move(model), {});

  CHECK(snapshot.service_by_address(ip("10.96.0.1"), kNow)->name == "front");
  CHECK(snapshot.service_by_address(ip("fd00:96::1"), kNow)->name == "front");
  CHECK(snapshot.service_by_address(ip("203.0.113.9"), kNow)->name == "front");
  CHECK(snapshot.service_by_address(ip("10.1.0.1"), kNow) == nullptr);
  CHECK(snapshot.service_by_address(ip("10.96.0.2"), kNow) == nullptr);
}

TEST_CASE("services that share an outside address are told apart by port and protocol",
          "[snapshot]") {
  Service http = service("http", {}, {ip("203.0.113.9")});
  http.ports = {{"", 80, "8080", 30080, Protocol::Tcp}};
  Service dns = service("dns", {}, {ip("203.0.113.9")});
  dns.ports = {{"", 53, "1053", 30053, Protocol::Udp}};
  Model model;
  model.services = {http, dns};
  const Snapshot snapshot(std::move(model), {});
  const auto outside = [&](std::uint16_t port, Protocol protocol) {
    const Service* found = snapshot.service_by_outside_address(ip("203.0.113.9"), port, protocol);
    return found == nullptr ? "" : found->name;
  };

  CHECK(outside(80, Protocol::Tcp) == "http");
  CHECK(outside(53, Protocol::Udp) == "dns");
  CHECK(outside(53, Protocol::Tcp).empty());
  CHECK(snapshot.service_by_node_port(30080, Protocol::Tcp)->name == "http");
  CHECK(snapshot.service_by_node_port(30053, Protocol::Udp)->name == "dns");
  CHECK(snapshot.service_by_node_port(30053, Protocol::Tcp) == nullptr);
  CHECK(snapshot.service_by_node_port(0, Protocol::Tcp) == nullptr);
}

TEST_CASE("an endpoint leads to its service, the first by name when several have it",
          "[snapshot]") {
  Model model;
  model.services = {service("b", {}), service("a", {}), service("c", {})};
  for (const char* name : {"b", "a", "c", "gone"}) {
    model.endpoints.push_back({"web", name, ip("10.1.0.1"), 8080, Protocol::Tcp});
  }
  model.endpoints.push_back({"web", "gone", ip("10.1.0.2"), 8080, Protocol::Tcp});
  const Snapshot snapshot(std::move(model), {});

  CHECK(snapshot.service_by_endpoint(ip("10.1.0.1"), 8080, Protocol::Tcp)->name == "a");
  CHECK(snapshot.service_by_endpoint(ip("10.1.0.1"), 8080, Protocol::Udp) == nullptr);
  CHECK(snapshot.service_by_endpoint(ip("10.1.0.1"), 8081, Protocol::Tcp) == nullptr);
  CHECK(snapshot.service_by_endpoint(ip("10.1.0.2"), 8080, Protocol::Tcp) == nullptr);
}

TEST_CASE("the API server is behind default/kubernetes, with or without that service",
          "[snapshot]") {
  Model model;
  model.endpoints = {{"default", "kubernetes", ip("192.168.1.10"), 6443, Protocol::Tcp},
                     {"web", "kubernetes", ip("192.168.1.11"), 6443, Protocol::Tcp}};
  const Snapshot snapshot(std::move(model), {});

  CHECK(snapshot.is_api_server(ip("192.168.1.10"), 6443));
  CHECK_FALSE(snapshot.is_api_server(ip("192.168.1.10"), 443));
  CHECK_FALSE(snapshot.is_api_server(ip("192.168.1.11"), 6443));
}

TEST_CASE("pod networks of any length and family hold what they hold", "[snapshot]") {
  Model model;
  Node first;
  first.name = "w1";
  first.pod_cidrs = {cidr("10.244.1.0/24"), cidr("fd00:1::/64")};
  Node second;
  second.name = "w2";
  second.pod_cidrs = {cidr("10.244.8.0/22")};
  model.nodes = {first, second};
  const Snapshot snapshot(std::move(model), {});

  for (const char* inside : {"10.244.1.0", "10.244.1.255", "10.244.11.255", "fd00:1::9"}) {
    CHECK(snapshot.in_pod_network(ip(inside)));
  }
  for (const char* outside : {"10.244.2.0", "10.244.12.0", "fd00:1:0:1::9", "::", "192.0.2.1"}) {
    CHECK_FALSE(snapshot.in_pod_network(ip(outside)));
  }
}

TEST_CASE("two namespaces are kept apart by name", "[snapshot]") {
  Model model;
  model.namespaces = {{"db", {}}, {"web", {{"tier", "4-aux"}}}};
  Pod other = pod("web-1", "10.1.0.9");
  other.namespace_name = "db";
  model.pods = {other, pod("web-1", "10.1.0.1"), pod("web-2", "10.1.0.2")};
  Service same_name = service("front", {ip("10.96.0.2")});
  same_name.namespace_name = "db";
  model.services = {same_name, service("front", {ip("10.96.0.1")})};
  const Snapshot snapshot(std::move(model), from_unix_ns(5));

  CHECK(snapshot.pods_of("web").size() == 2);
  CHECK(snapshot.pods_of("db").size() == 1);
  CHECK(snapshot.pods_of("none").empty());
  CHECK(snapshot.service("web", "front")->cluster_addresses == std::vector{ip("10.96.0.1")});
  CHECK(snapshot.service("db", "front")->cluster_addresses == std::vector{ip("10.96.0.2")});
  CHECK(snapshot.service("db", "back") == nullptr);
  CHECK(snapshot.namespace_named("web")->labels.at("tier") == "4-aux");
  CHECK(snapshot.namespace_named("none") == nullptr);
  CHECK(unix_ns(snapshot.as_of()) == 5);
}

TEST_CASE("a copy of a snapshot answers from itself", "[snapshot]") {
  std::unique_ptr<Snapshot> copy;
  {
    Model model;
    model.pods = {pod("web-1", "10.1.0.1")};
    const Snapshot first(std::move(model), {});
    copy = std::make_unique<Snapshot>(first);
  }
  const PodPtr found = copy->pod_by_address(ip("10.1.0.1"), kNow);

  REQUIRE(found != nullptr);
  CHECK(found->name == "web-1");
}

}  // namespace
}  // namespace outflow::inventory
