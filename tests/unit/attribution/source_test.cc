// Who sent it.
#include "aggregator/attribution/attribute.h"
#include "tests/support/catch.h"

namespace outflow::attribution {
namespace {

using namespace std::chrono_literals;
using inventory::Model;
using inventory::Pod;
using inventory::Snapshot;

const TimePoint kNow = from_unix_ns(1'779'000'000'000'000'000);  // in May 2026

net::Address ip(std::string_view text) {
  return *net::Address::parse(text);
}

Pod pod(std::string namespace_name, std::string name, std::vector<net::Address> addresses) {
  Pod made;
  made.namespace_name = std::move(namespace_name);
  made.name = std::move(name);
  made.phase = "Running";
  made.workload = {"Deployment", made.name.substr(0, made.name.find('-'))};
  made.addresses = std::move(addresses);
  return made;
}

Snapshot cluster() {
  Model model;
  model.pods = {pod("web", "web-1", {ip("10.1.0.1"), ip("fd00:1::1")}),
                pod("db", "db-1", {ip("10.1.0.2")}), pod("web", "new-1", {})};
  inventory::Node node;
  node.name = "w1";
  node.addresses = {ip("192.168.1.11")};
  model.nodes = {node};
  return {std::move(model), kNow};
}

Interface interface(std::string name, std::vector<net::Address> addresses = {}) {
  return {7, std::move(name), std::move(addresses)};
}

TEST_CASE("a pod is known by its interface's name, whatever its packets say", "[source]") {
  const Snapshot snapshot = cluster();
  const auto name = inventory::calico_interface_name("web", "web-1");
  const Source source = attribute_source(interface(name), ip("10.1.0.2"), kNow, snapshot);

  CHECK(source.namespace_name == "web");
  CHECK(source.pod == "web-1");
  CHECK(source.workload == inventory::Workload{"Deployment", "web"});
  CHECK(source.reason.empty());
  CHECK_FALSE(source.own_address);
}

TEST_CASE("the name goes before the routes", "[source]") {
  const auto name = inventory::calico_interface_name("web", "web-1");
  const Source source =
      attribute_source(interface(name, {ip("10.1.0.2")}), ip("10.1.0.2"), kNow, cluster());

  CHECK(source.pod == "web-1");
}

TEST_CASE("without the name the addresses routed to the interface tell", "[source]") {
  const Source source = attribute_source(interface("veth12", {ip("10.9.9.9"), ip("10.1.0.2")}),
                                         ip("10.1.0.2"), kNow, cluster());

  CHECK(source.namespace_name == "db");
  CHECK(source.pod == "db-1");
  CHECK(source.own_address);
}

TEST_CASE("an interface with a Calico name belongs to no pod of another name", "[source]") {
  const Source source = attribute_source(interface("cali0123456789a", {ip("10.1.0.2")}),
                                         ip("10.1.0.2"), kNow, cluster());

  CHECK(source.namespace_name.empty());
  CHECK(source.reason ==
        "interface cali0123456789a is not that of pod db/db-1, which has its address");
  // Any other name says nothing about its pod.
  for (const char* name : {"cali1", "cali0123456789x", "cali0123456789A", "veth123456789ab"}) {
    CHECK(
        attribute_source(interface(name, {ip("10.1.0.2")}), ip("10.1.0.2"), kNow, cluster()).pod ==
        "db-1");
  }
}

TEST_CASE("routes that point at two pods name neither", "[source]") {
  const Source source = attribute_source(interface("veth12", {ip("10.1.0.1"), ip("10.1.0.2")}),
                                         ip("10.1.0.2"), kNow, cluster());

  CHECK(source.namespace_name.empty());
  CHECK(source.pod.empty());
  CHECK_THAT(source.reason, Catch::Matchers::Contains("veth12"));
  CHECK_THAT(source.reason, Catch::Matchers::Contains("web/web-1"));
  CHECK_THAT(source.reason, Catch::Matchers::Contains("db/db-1"));
}

TEST_CASE("a packet's source never identifies its sender", "[source]") {
  const Source source = attribute_source(interface("veth12"), ip("10.1.0.1"), kNow, cluster());

  CHECK(source.namespace_name.empty());
  CHECK_THAT(source.reason, Catch::Matchers::Contains("veth12"));
}

TEST_CASE("own is what routes or inventory give the pod, and anything where neither does",
          "[source]") {
  const Snapshot snapshot = cluster();
  const auto web = inventory::calico_interface_name("web", "web-1");
  const auto fresh = inventory::calico_interface_name("web", "new-1");
  const auto own = [&](const Interface& of, std::string_view claimed) {
    return attribute_source(of, ip(claimed), kNow, snapshot).own_address;
  };

  CHECK(own(interface(web), "10.1.0.1"));
  CHECK(own(interface(web), "fd00:1::1"));
  CHECK(own(interface(web, {ip("10.1.0.77")}), "10.1.0.77"));
  CHECK(own(interface(web, {ip("10.1.0.77")}), "10.1.0.1"));
  CHECK_FALSE(own(interface(web), "10.1.0.3"));
  CHECK(own(interface(fresh), "10.1.0.3"));
  CHECK_FALSE(own(interface(fresh, {ip("10.1.0.77")}), "10.1.0.3"));
  CHECK(own(interface("veth12"), "10.1.0.3"));
  CHECK_FALSE(own(interface("veth12", {ip("10.1.0.77")}), "10.1.0.3"));
}

TEST_CASE("a log line's source is known by interface, then by address", "[source]") {
  const Snapshot snapshot = cluster();
  const auto name = inventory::calico_interface_name("web", "web-1");

  CHECK(attribute_log_source(name, ip("10.1.0.2"), kNow, snapshot).pod == "web-1");
  CHECK(attribute_log_source("", ip("10.1.0.2"), kNow, snapshot).pod == "db-1");
  CHECK(attribute_log_source("cali00000000000", ip("10.1.0.2"), kNow, snapshot).pod == "db-1");
  CHECK(attribute_log_source("", ip("10.1.0.9"), kNow, snapshot).reason ==
        "no pod of the inventory has address 10.1.0.9");
  CHECK(attribute_log_source("cali00000000000", ip("10.1.0.9"), kNow, snapshot).reason ==
        "no pod of the inventory has interface cali00000000000 or address 10.1.0.9");
}

TEST_CASE("a source that started later or had ended is not the sender", "[source]") {
  Pod late = pod("web", "web-1", {ip("10.1.0.1")});
  late.started = kNow + 2min;
  Pod done = pod("db", "db-1", {ip("10.1.0.2")});
  done.phase = "Failed";
  done.ended = kNow - 2min;
  Model model;
  model.pods = {late, done};
  const Snapshot snapshot(std::move(model), kNow + 1h);
  const auto routed = [&](std::string_view address, TimePoint time) {
    return attribute_source(interface("veth12", {ip(address)}), ip(address), time, snapshot);
  };

  CHECK(routed("10.1.0.1", kNow).reason ==
        "no pod of the inventory has interface veth12; 10.1.0.1: the pod that has the address now "
        "started later");
  CHECK(routed("10.1.0.2", kNow).reason ==
        "no pod of the inventory has interface veth12; 10.1.0.2: the pod that had the address had "
        "ended by then");
  CHECK(routed("10.1.0.1", kNow + 1min).pod == "web-1");
  CHECK(routed("10.1.0.2", kNow - 1min).pod == "db-1");
  CHECK(attribute_log_source("", ip("10.1.0.1"), kNow, snapshot).reason ==
        "10.1.0.1: the pod that has the address now started later");
  // An interface's name is its pod's at any time: who has the name again is the same to everybody.
  const auto name = inventory::calico_interface_name("web", "web-1");
  CHECK(attribute_log_source(name, ip("10.1.0.1"), kNow, snapshot).pod == "web-1");
}

TEST_CASE("a line from a node's own address is the node's, no pod's", "[source]") {
  CHECK(attribute_log_source("", ip("192.168.1.11"), kNow, cluster()).reason ==
        "192.168.1.11 is node w1, no pod");
}

TEST_CASE("a pod on a reused address is the one that runs now", "[source]") {
  Pod done = pod("batch", "run-1", {ip("10.1.0.5")});
  done.phase = "Succeeded";
  done.started = from_unix_ns(900);
  Pod runs = pod("web", "web-9", {ip("10.1.0.5")});
  runs.started = from_unix_ns(100);
  Model model;
  model.pods = {done, runs};
  const Snapshot snapshot(std::move(model), kNow);

  CHECK(
      attribute_source(interface("veth9", {ip("10.1.0.5")}), ip("10.1.0.5"), kNow, snapshot).pod ==
      "web-9");
  // By its interface's name the finished one is still told apart.
  const auto name = inventory::calico_interface_name("batch", "run-1");
  CHECK(attribute_source(interface(name), ip("10.1.0.5"), kNow, snapshot).pod == "run-1");
}

}  // namespace
}  // namespace outflow::attribution
