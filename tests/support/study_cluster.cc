#include "tests/support/study_cluster.h"

#include <array>
#include <sstream>

#include <fmt/format.h>

#include "aggregator/inventory/snapshot.h"

namespace outflow::test {
namespace {

// One more than any row needs: the last one not dialled is where the replies go to.
constexpr std::array<const char*, 9> kInfrastructure{
    "kube-system", "dbaas", "redis", "vault", "traefik", "authentik", "minio", "monitoring", "nfs"};
constexpr std::uint16_t kDns = 53;
constexpr std::uint16_t kPostgres = 5432;

net::Address address(const std::string& text) {
  return *net::Address::parse(text);
}

// Documentation addresses of both families.
net::Address external_address(std::size_t index) {
  return address(index % 3 == 2 ? fmt::format("2001:db8::{:x}", index + 1)
                                : fmt::format("203.0.113.{}", index + 1));
}

nlohmann::json texts(const std::vector<net::Address>& addresses) {
  auto list = nlohmann::json::array();
  for (const auto& one : addresses) list.push_back(one.to_string());
  return list;
}

}  // namespace

std::vector<StudyRow> read_study(const std::string& csv) {
  std::vector<StudyRow> rows;
  std::istringstream in(csv);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    StudyRow row;
    std::istringstream fields(line);
    char comma = 0;
    std::getline(fields, row.name, ',');
    fields >> row.destinations >> comma >> row.pod_namespaces >> comma >> row.services >> comma >>
        row.external;
    rows.push_back(row);
  }
  return rows;
}

StudyCluster::StudyCluster(const std::vector<StudyRow>& rows) {
  add_infrastructure();
  for (std::size_t i = 0; i < rows.size(); ++i) add_row(rows[i], i);
}

void StudyCluster::add_pod(const std::string& namespace_name, const std::string& name,
                           const std::string& owner_kind, unsigned node) {
  const unsigned number = ++pods_on_node_[node];
  pods_.push_back({namespace_name,
                   name,
                   owner_kind,
                   name.substr(0, name.rfind('-')),
                   node,
                   {address(fmt::format("10.244.{}.{}", node, number)),
                    address(fmt::format("fd00:10:244:{}::{:x}", node, number))}});
}

void StudyCluster::add_service(const std::string& namespace_name, const std::string& name,
                               std::uint16_t port) {
  const std::size_t number = services_.size() + 10;
  services_.push_back({namespace_name,
                       name,
                       {address(fmt::format("10.96.0.{}", number)),
                        address(fmt::format("fd00:10:96::{:x}", number))},
                       port,
                       static_cast<std::uint16_t>(port + 8000)});
}

// Two workloads of three pods in each; the Deployment's two stand behind a service.
void StudyCluster::add_infrastructure() {
  for (const std::string name : kInfrastructure) {
    add_pod(name, "main-5d8f-a", "ReplicaSet", 1);
    add_pod(name, "main-5d8f-b", "ReplicaSet", 2);
    add_pod(name, "store-0", "StatefulSet", 2);
    const bool is_dns = name == kInfrastructure[0];
    add_service(name, is_dns ? "kube-dns" : "main", is_dns ? kDns : kPostgres);
    targets_[name].push_back({address("198.51.100.99"), 443, Protocol::Tcp, 0});
  }
}

void StudyCluster::target_pods(const std::string& of, const std::vector<std::uint16_t>& ports,
                               std::vector<Target>& targets) const {
  for (const Pod& pod : pods_) {
    if (pod.namespace_name != of) continue;
    for (const auto& at : pod.addresses) {
      for (const std::uint16_t port : ports) targets.push_back({at, port, Protocol::Tcp, 0});
    }
  }
}

void StudyCluster::target_service(const std::string& of, std::vector<Target>& targets) const {
  for (const Service& service : services_) {
    if (service.namespace_name != of) continue;
    for (const auto& at : service.addresses) {
      targets.push_back({at, service.port, Protocol::Tcp, 0});
      if (service.port == kDns) targets.push_back({at, kDns, Protocol::Udp, 0});
    }
  }
}

void StudyCluster::add_row(const StudyRow& row, std::size_t index) {
  rows_.insert(row.name);
  add_pod(row.name, "web-5d8f-a", "ReplicaSet", 1);
  add_pod(row.name, "web-5d8f-b", "ReplicaSet", 2);
  add_service(row.name, "web", 80);
  std::vector<Target>& targets = targets_[row.name];

  const auto infrastructure = [&](std::size_t number) {
    return kInfrastructure[(index + number) % kInfrastructure.size()];
  };
  for (std::size_t i = 0; i < row.pod_namespaces; ++i) {
    // The port behind a service too: what is met at its endpoint is a pod, not the service.
    target_pods(infrastructure(i), {kPostgres + 8000, 9187}, targets);
  }
  for (std::size_t i = 0; i < row.services; ++i) target_service(kInfrastructure[i], targets);
  for (std::size_t i = 0; i < row.external; ++i) {
    const net::Address at = external_address(index + i);
    for (const std::uint16_t port : std::array<std::uint16_t, 2>{443, 6881}) {
      targets.push_back({at, port, Protocol::Tcp, 0});
      targets.push_back({at, port, Protocol::Udp, 0});
    }
  }

  target_pods(row.name, {8080, 9090}, targets);
  target_service(row.name, targets);
  std::vector<Target> replies;
  target_pods(infrastructure(row.pod_namespaces), {40001, 51234}, replies);
  for (Target& reply : replies) reply.flags = kFlowInferred;
  targets.insert(targets.end(), replies.begin(), replies.end());
  targets.push_back({address("192.0.2.77"), 40002, Protocol::Udp, kFlowInferred});
  targets.push_back({address("192.0.2.78"), 443, Protocol::Tcp, kFlowOtherSource});
}

Report StudyCluster::report_of(unsigned node, Day day, std::uint64_t sequence) {
  Report report;
  report.node = fmt::format("k8s-w{}", node);
  report.boot.fill(static_cast<std::uint8_t>(node));
  report.sequence = sequence;
  report.interval = {TimePoint(day) + std::chrono::hours(10),
                     TimePoint(day) + std::chrono::hours(11)};
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    const Pod& pod = pods_[i];
    if (pod.node != node) continue;
    // Calico's veths on one node, known by name; any other CNI's on the other, by host routes.
    Interface interface { i + 1, fmt::format("veth{}", i), pod.addresses };
    if (node == 1) {
      interface = {i + 1, inventory::calico_interface_name(pod.namespace_name, pod.name), {}};
    }
    report.interfaces.push_back(interface);
    std::set<FlowKey> seen;
    for (const Target& target : targets_.at(pod.namespace_name)) {
      const FlowKey key{interface.id, target.address, target.port, target.protocol};
      if (!seen.insert(key).second) continue;
      const net::Address own = pod.addresses[target.address.is_v4() ? 0 : 1];
      const bool is_foreign = (target.flags & kFlowOtherSource) != 0;
      Flow flow{key, is_foreign ? address("192.0.2.200") : own, {}};
      const TimePoint at = report.interval.start + std::chrono::seconds(seen.size());
      flow.stats = {seen.size(), seen.size() * 60, 1, 1, 0, target.flags, at, at};
      packets_[pod.namespace_name] += flow.stats.packets;
      report.flows.push_back(flow);
    }
  }
  return report;
}

std::vector<Report> StudyCluster::reports(Day first, int days) {
  std::vector<Report> reports;
  for (int day = 0; day < days; ++day) {
    for (const unsigned node : {1U, 2U}) {
      reports.push_back(
          report_of(node, first + std::chrono::days(day), static_cast<std::uint64_t>(day) + 1));
    }
  }
  return reports;
}

void StudyCluster::put_nodes(Json& items) {
  for (const unsigned node : {1U, 2U}) {
    const Json address = {{"type", "InternalIP"}, {"address", fmt::format("10.0.20.{}", node)}};
    items.push_back(
        {{"kind", "Node"},
         {"metadata", {{"name", fmt::format("k8s-w{}", node)}}},
         {"spec",
          {{"podCIDRs",
            {fmt::format("10.244.{}.0/24", node), fmt::format("fd00:10:244:{}::/64", node)}}}},
         {"status", {{"addresses", Json::array({address})}}}});
  }
}

void StudyCluster::put_pod(const Pod& pod, Json& items) {
  const auto owned_by = [](const std::string& kind, const std::string& name) {
    return Json::array({{{"kind", kind}, {"name", name}, {"controller", true}}});
  };
  if (pod.owner_kind == "ReplicaSet") {  // twice for two pods: the same object again
    const std::string deployment = pod.owner.substr(0, pod.owner.find('-'));
    items.push_back({{"kind", "ReplicaSet"},
                     {"metadata",
                      {{"name", pod.owner},
                       {"namespace", pod.namespace_name},
                       {"ownerReferences", owned_by("Deployment", deployment)}}}});
  }
  Json ips = Json::array();
  for (const auto& at : pod.addresses) ips.push_back({{"ip", at.to_string()}});
  items.push_back({{"kind", "Pod"},
                   {"metadata",
                    {{"name", pod.name},
                     {"namespace", pod.namespace_name},
                     {"labels", {{"app", pod.owner}}},
                     {"ownerReferences", owned_by(pod.owner_kind, pod.owner)}}},
                   {"spec", {{"nodeName", fmt::format("k8s-w{}", pod.node)}}},
                   {"status",
                    {{"phase", "Running"},
                     {"podIP", pod.addresses[0].to_string()},
                     {"podIPs", ips},
                     {"startTime", "2026-05-01T00:00:00Z"}}}});
}

void StudyCluster::put_service(const Service& service, Json& items) const {
  const std::string& of = service.namespace_name;
  Json port = {{"name", "main"},
               {"port", service.port},
               {"targetPort", service.target},
               {"protocol", "TCP"}};
  items.push_back({{"kind", "Service"},
                   {"metadata", {{"name", service.name}, {"namespace", of}}},
                   {"spec",
                    {{"type", "ClusterIP"},
                     {"clusterIP", service.addresses[0].to_string()},
                     {"clusterIPs", texts(service.addresses)},
                     {"ports", Json::array({port})}}}});
  Json endpoints = Json::array();
  for (const Pod& pod : pods_) {
    if (pod.namespace_name != of || pod.owner_kind != "ReplicaSet") continue;
    endpoints.push_back({{"addresses", Json::array({pod.addresses[0].to_string()})}});
  }
  port["port"] = service.target;
  items.push_back({{"kind", "EndpointSlice"},
                   {"metadata",
                    {{"name", service.name + "-x"},
                     {"namespace", of},
                     {"labels", {{"kubernetes.io/service-name", service.name}}}}},
                   {"addressType", "IPv4"},
                   {"ports", Json::array({port})},
                   {"endpoints", endpoints}});
}

std::string StudyCluster::inventory_json() const {
  Json items = Json::array();
  put_nodes(items);
  for (const auto& [name, targets] : targets_) {
    const char* tier = rows_.contains(name) ? "4-aux" : "0-core";
    items.push_back(
        {{"kind", "Namespace"}, {"metadata", {{"name", name}, {"labels", {{"tier", tier}}}}}});
  }
  for (const Pod& pod : pods_) put_pod(pod, items);
  for (const Service& service : services_) put_service(service, items);
  return Json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}}.dump();
}

}  // namespace outflow::test
