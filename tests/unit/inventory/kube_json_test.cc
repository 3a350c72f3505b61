// What every kind of object becomes.
#include "aggregator/inventory/kube_json.h"

#include "common/text.h"
#include "tests/support/catch.h"
#include "tests/support/kube.h"

namespace outflow::inventory {
namespace {

using test::json;
using test::list;
using test::pod;

net::Address ip(std::string_view text) {
  return *net::Address::parse(text);
}

Model read(const std::string& text) {
  auto model = read_model(text);
  INFO((model ? "" : model.error().what));
  REQUIRE(model);
  return *model;
}

const std::string kNamespace =
    json({.kind = "Namespace", .name = "web", .metadata = R"("labels":{"tier":"4-aux"})"});

TEST_CASE("a namespace has its labels", "[kube_json]") {
  const Model model = read(list({kNamespace}));

  REQUIRE(model.namespaces.size() == 1);
  CHECK(model.namespaces[0].name == "web");
  CHECK(model.namespaces[0].labels == Labels{{"tier", "4-aux"}});
}

TEST_CASE("a node has its addresses of both families and its pod networks, not its names",
          "[kube_json]") {
  const Model model = read(list({json(
      {.kind = "Node",
       .name = "w1",
       .rest = R"("spec":{"podCIDR":"10.244.1.0/24","podCIDRs":["10.244.1.0/24","fd00:1::/64"]},
                  "status":{"addresses":[{"type":"Hostname","address":"w1"},
                    {"type":"InternalIP","address":"192.168.1.11"},
                    {"type":"InternalIP","address":"fd00::b"},
                    {"type":"ExternalIP","address":"203.0.113.7"}]})"})}));

  REQUIRE(model.nodes.size() == 1);
  CHECK(model.nodes[0].addresses ==
        std::vector{ip("192.168.1.11"), ip("fd00::b"), ip("203.0.113.7")});
  CHECK(model.nodes[0].pod_cidrs ==
        std::vector{*net::Prefix::parse("10.244.1.0/24"), *net::Prefix::parse("fd00:1::/64")});
}

TEST_CASE("a dual-stack pod has every field we use", "[kube_json]") {
  const Model model = read(list(
      {json({.kind = "Pod",
             .namespace_name = "web",
             .name = "web-1",
             .metadata = R"("labels":{"app":"web"},"deletionTimestamp":"2026-05-18T10:00:00Z")",
             .rest = R"("spec":{"nodeName":"w1","containers":[{"ports":[
                    {"name":"http","containerPort":8080},
                    {"name":"dns","containerPort":53,"protocol":"UDP"}]},{"name":"bare"}],
                    "initContainers":[
                      {"restartPolicy":"Always","ports":[{"name":"proxy","containerPort":15001}]},
                      {"ports":[{"name":"once","containerPort":9}]}]},
                  "status":{"phase":"Running","startTime":"2026-05-18T09:00:00Z","podIP":"10.1.1.5",
                    "podIPs":[{"ip":"10.1.1.5"},{"ip":"fd00:1::5"}]})"})}));

  REQUIRE(model.pods.size() == 1);
  const Pod& web = model.pods[0];
  CHECK(web.namespace_name == "web");
  CHECK(web.name == "web-1");
  CHECK(web.node == "w1");
  CHECK(web.phase == "Running");
  CHECK(web.deleting);
  CHECK_FALSE(web.host_network);
  CHECK(web.addresses == std::vector{ip("10.1.1.5"), ip("fd00:1::5")});
  CHECK(web.labels == Labels{{"app", "web"}});
  CHECK(to_text(web.started) == "2026-05-18T09:00:00Z");
  // A container, a sidecar, not what has run before them.
  REQUIRE(web.ports.size() == 3);
  CHECK(web.ports[0].name == "http");
  CHECK(web.ports[0].number == 8080);
  CHECK(web.ports[1].protocol == Protocol::Udp);
  CHECK(web.ports[2].name == "proxy");
}

TEST_CASE("a pod without addresses, labels or status is a pod all the same", "[kube_json]") {
  const Model model = read(list(
      {json({.kind = "Pod",
             .namespace_name = "web",
             .name = "new",
             .metadata = R"("labels":null)",
             .rest = R"("spec":{"hostNetwork":true},"status":{"phase":"Pending","podIPs":null})"}),
       json({.kind = "Pod", .namespace_name = "web", .name = "newer"})}));

  REQUIRE(model.pods.size() == 2);
  CHECK(model.pods[0].host_network);
  CHECK(model.pods[0].addresses.empty());
  CHECK(model.pods[0].started == TimePoint{});
  CHECK(model.pods[1].phase.empty());
}

TEST_CASE("a finished pod ended with its last container, when all are said to have",
          "[kube_json]") {
  const auto end_of = [](const std::string& phase, const std::string& first,
                         const std::string& second) {
    const auto state = [](const std::string& finished) {
      return R"({"state":{"terminated":{"finishedAt":")" + finished + R"("}}})";
    };
    const Model model = read(list(
        {json({.kind = "Pod",
               .namespace_name = "batch",
               .name = "run-1",
               .rest = R"("status":{"phase":")" + phase + R"(","containerStatuses":[)" +
                       state(first) + R"(],"initContainerStatuses":[)" + state(second) + "]}"})}));
    return model.pods[0].ended;
  };
  const std::string early = "2026-05-18T09:00:00Z";
  const std::string late = "2026-05-18T10:00:00Z";

  CHECK(to_text(end_of("Succeeded", early, late)) == late);
  CHECK(to_text(end_of("Failed", late, early)) == late);
  CHECK(end_of("Failed", early, "") == TimePoint{});
  CHECK(end_of("Running", early, late) == TimePoint{});
}

TEST_CASE("a service has its addresses inside and outside, and ports by number and name",
          "[kube_json]") {
  const Model model =
      read(list({json({.kind = "Service",
                       .namespace_name = "web",
                       .name = "front",
                       .rest = R"("spec":{"type":"LoadBalancer","clusterIP":"10.96.0.10",
                    "clusterIPs":["10.96.0.10","fd00:96::a"],"externalIPs":["198.51.100.4"],
                    "selector":{"app":"web"},
                    "ports":[{"name":"http","port":80,"targetPort":"web","nodePort":30080},
                             {"port":53,"targetPort":1053,"protocol":"UDP"},
                             {"port":443}]},
                  "status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.9"},
                    {"hostname":"lb.example"}]}})"})}));

  REQUIRE(model.services.size() == 1);
  const Service& front = model.services[0];
  CHECK(front.type == "LoadBalancer");
  CHECK(front.cluster_addresses == std::vector{ip("10.96.0.10"), ip("fd00:96::a")});
  CHECK(front.outside_addresses == std::vector{ip("198.51.100.4"), ip("203.0.113.9")});
  CHECK(front.selector == Labels{{"app", "web"}});
  REQUIRE(front.ports.size() == 3);
  CHECK(front.ports[0].target_port == "web");
  CHECK(front.ports[0].node_port == 30080);
  CHECK(front.ports[1].target_port == "1053");
  CHECK(front.ports[1].protocol == Protocol::Udp);
  CHECK(front.ports[2].target_port == "443");  // the API's default is the port itself
}

TEST_CASE("a headless service and one that is only a name have no address", "[kube_json]") {
  const Model model =
      read(list({json({.kind = "Service",
                       .namespace_name = "db",
                       .name = "headless",
                       .rest = R"("spec":{"clusterIP":"None","clusterIPs":["None"]})"}),
                 json({.kind = "Service",
                       .namespace_name = "db",
                       .name = "outside",
                       .rest = R"("spec":{"type":"ExternalName","externalName":"db.example"})"})}));

  REQUIRE(model.services.size() == 2);
  CHECK(model.services[0].cluster_addresses.empty());
  CHECK(model.services[0].type == "ClusterIP");
  CHECK(model.services[1].cluster_addresses.empty());
}

std::string slice(const std::string& name, const std::string& rest,
                  const std::string& labels = R"("kubernetes.io/service-name":"front")") {
  return json({.api_version = "discovery.k8s.io/v1",
               .kind = "EndpointSlice",
               .namespace_name = "web",
               .name = name,
               .metadata = "\"labels\":{" + labels + "}",
               .rest = rest});
}

TEST_CASE("an endpoint slice gives every address with every port, ready or not", "[kube_json]") {
  const Model model = read(list({slice("front-1", R"("addressType":"IPv4",
      "endpoints":[{"addresses":["10.1.1.5"],"conditions":{"ready":true}},
                   {"addresses":["10.1.1.6"],"conditions":{"ready":false}}],
      "ports":[{"name":"http","port":8080,"protocol":"TCP"},{"port":53,"protocol":"UDP"},
               {"name":"any","port":null}])")}));

  REQUIRE(model.endpoints.size() == 4);
  CHECK(model.endpoints[0].namespace_name == "web");
  CHECK(model.endpoints[0].service == "front");
  CHECK(std::count_if(model.endpoints.begin(), model.endpoints.end(), [](const Endpoint& e) {
          return e.address == ip("10.1.1.6") && e.port == 53 && e.protocol == Protocol::Udp;
        }) == 1);
}

TEST_CASE("slices without ports, of names, or of no service give none, and the last two count",
          "[kube_json]") {
  const Model model =
      read(list({slice("no-ports", R"("addressType":"IPv4","endpoints":[{"addresses":["10.1.1.5"]}],
                                 "ports":null)"),
                 slice("names", R"("addressType":"FQDN","endpoints":[{"addresses":["db.example"]}],
                              "ports":[{"port":443}])"),
                 slice("nobodys", R"("addressType":"IPv4","endpoints":[{"addresses":["10.1.1.5"]}],
                                "ports":[{"port":443}])",
                       "")}));

  CHECK(model.endpoints.empty());
  CHECK(model.ignored_kinds ==
        std::map<std::string, std::uint64_t>{{"EndpointSlice of names", 1},
                                             {"EndpointSlice of no service", 1}});
}

std::string network_policy(const std::string& name, const std::string& spec) {
  return json({.api_version = "networking.k8s.io/v1",
               .kind = "NetworkPolicy",
               .namespace_name = "web",
               .name = name,
               .rest = "\"spec\":{" + spec + "}"});
}

TEST_CASE("only a NetworkPolicy that limits egress counts as one", "[kube_json]") {
  const Model model =
      read(list({network_policy("both", R"("policyTypes":["Ingress","Egress"])"),
                 network_policy("by-rules", R"("egress":[{}])"),
                 network_policy("ingress", R"("policyTypes":["Ingress"],"ingress":[])")}));

  REQUIRE(model.egress_policies.size() == 2);
  CHECK(model.egress_policies[0].name == "both");
  CHECK(model.egress_policies[1].name == "by-rules");
}

TEST_CASE("whether NetworkPolicies were asked for at all is kept", "[kube_json]") {
  const std::string ingress = network_policy("ingress", R"("policyTypes":["Ingress"])");
  const std::string empty =
      R"({"kind":"NetworkPolicyList","apiVersion":"networking.k8s.io/v1","items":[]})";
  const std::string calico =
      R"({"kind":"NetworkPolicyList","apiVersion":"projectcalico.org/v3","items":[]})";

  CHECK(read(list({ingress})).has_network_policies);
  CHECK(read(empty).has_network_policies);
  CHECK_FALSE(read(list({kNamespace})).has_network_policies);
  CHECK_FALSE(read(calico).has_network_policies);
}

TEST_CASE("kinds nobody uses are passed over and counted", "[kube_json]") {
  const Model model =
      read(list({json({.kind = "Secret", .namespace_name = "web", .name = "a"}),
                 json({.kind = "Secret", .namespace_name = "web", .name = "b"}), kNamespace}));

  CHECK(model.namespaces.size() == 1);
  CHECK(model.ignored_kinds == std::map<std::string, std::uint64_t>{{"Secret", 2}});
}

TEST_CASE("another group's kind of the same name is not ours", "[kube_json]") {
  const Model model = read(list({json({.kind = "Service",
                                       .namespace_name = "web",
                                       .name = "front",
                                       .rest = R"("spec":{"clusterIP":"10.96.0.10"})"}),
                                 json({.api_version = "serving.knative.dev/v1",
                                       .kind = "Service",
                                       .namespace_name = "web",
                                       .name = "front"}),
                                 json({.api_version = "projectcalico.org/v3",
                                       .kind = "NetworkPolicy",
                                       .namespace_name = "web",
                                       .name = "np",
                                       .rest = R"("spec":{"egress":[{"action":"Deny"}]})"})}));

  REQUIRE(model.services.size() == 1);
  CHECK(model.services[0].cluster_addresses == std::vector{ip("10.96.0.10")});
  CHECK(model.egress_policies.empty());
  CHECK(model.ignored_kinds ==
        std::map<std::string, std::uint64_t>{{"NetworkPolicy.projectcalico.org", 1},
                                             {"Service.serving.knative.dev", 1}});
}

TEST_CASE("without apiVersion the kind alone tells", "[kube_json]") {
  const Model model = read(list({R"({"kind":"NetworkPolicy",
      "metadata":{"namespace":"web","name":"np"},"spec":{"policyTypes":["Egress"]}})"}));

  CHECK(model.egress_policies.size() == 1);
  CHECK(model.ignored_kinds.empty());
}

TEST_CASE("typed lists, single objects and several documents read like one list", "[kube_json]") {
  const std::string pods =
      R"({"kind":"PodList","apiVersion":"v1","items":[
           {"metadata":{"namespace":"web","name":"web-1"},"status":{"podIP":"10.1.1.5"}}]})";
  const std::string slices =
      R"({"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","items":[
           {"metadata":{"namespace":"web","name":"s","labels":{"kubernetes.io/service-name":"front"}},
            "addressType":"IPv4","endpoints":[{"addresses":["10.1.1.5"]}],"ports":[{"port":80}]}]})";
  const Model model = read(pods + "\n" + slices + kNamespace + "\n" + list({}) +
                           R"({"kind":"ServiceList","apiVersion":"v1","items":null})" + "\n\n");

  REQUIRE(model.pods.size() == 1);
  CHECK(model.pods[0].addresses == std::vector{ip("10.1.1.5")});
  CHECK(model.endpoints.size() == 1);
  CHECK(model.namespaces.size() == 1);
  CHECK(model.ignored_kinds.empty());
}

TEST_CASE("an object that comes twice counts once, the later one", "[kube_json]") {
  const Model model = read(list({pod("web", "web-1", "10.1.1.5"), pod("db", "db-1", "10.1.1.9")}) +
                           list({pod("web", "web-1", "10.1.1.6")}));

  REQUIRE(model.pods.size() == 2);
  CHECK(model.pods[0].name == "db-1");
  CHECK(model.pods[1].addresses == std::vector{ip("10.1.1.6")});
}

}  // namespace
}  // namespace outflow::inventory
