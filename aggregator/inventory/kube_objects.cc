#include "aggregator/inventory/kube_objects.h"

#include <algorithm>

#include "common/text.h"

namespace outflow::inventory {
namespace {

constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

Labels read_labels(const JsonValue& object) {
  Labels labels;
  for (const auto& [key, value] : object.members()) labels[key] = value.text();
  return labels;
}

void add_address(const JsonValue& value, std::vector<net::Address>& addresses) {
  const std::string text = value.text();
  if (text.empty() || text == "None") return;  // "None": a headless service
  auto address = net::Address::parse(text);
  if (!address) {
    value.complain(address.error().what);
    return;
  }
  for (const net::Address& known : addresses) {
    if (known == *address) return;
  }
  addresses.push_back(*address);
}

Protocol read_protocol(const JsonValue& value) {
  const std::string text = value.text();
  if (text.empty() || text == "TCP") return Protocol::Tcp;  // the API's default
  if (text == "UDP") return Protocol::Udp;
  if (text == "SCTP") return Protocol::Sctp;
  value.complain("'" + text + "' is none of TCP, UDP, SCTP");
  return Protocol::Tcp;
}

TimePoint read_time(const JsonValue& value) {
  const std::string text = value.text();
  if (text.empty()) return {};
  const auto time = parse_time(text);
  if (!time) {
    value.complain(time.error().what);
    return {};
  }
  return *time;
}

void add_ports(const JsonValue& container, std::vector<NamedPort>& ports) {
  for (const JsonValue& port : container["ports"].items()) {
    ports.push_back(
        {port["name"].text(), port["containerPort"].port(), read_protocol(port["protocol"])});
  }
}

// When the last container ended; epoch when one of them is not said to have.
TimePoint read_end(const JsonValue& status) {
  TimePoint end{};
  for (const char* list : {"containerStatuses", "initContainerStatuses"}) {
    for (const JsonValue& container : status[list].items()) {
      const TimePoint time = read_time(container["state"]["terminated"]["finishedAt"]);
      if (time == TimePoint()) return {};
      end = std::max(end, time);
    }
  }
  return end;
}

}  // namespace

std::optional<Workload> controller_of(const JsonValue& object) {
  for (const JsonValue& owner : object["metadata"]["ownerReferences"].items()) {
    if (!owner["controller"].flag()) continue;
    Workload workload{owner["kind"].text(), owner["name"].text()};
    if (workload.kind.empty()) owner["kind"].complain("is missing");
    if (workload.name.empty()) owner["name"].complain("is missing");
    return workload;
  }
  return std::nullopt;
}

Namespace read_namespace(const JsonValue& object) {
  const JsonValue metadata = object["metadata"];
  return {metadata["name"].text(), read_labels(metadata["labels"])};
}

Node read_node(const JsonValue& object) {
  Node node;
  node.name = object["metadata"]["name"].text();
  for (const JsonValue& address : object["status"]["addresses"].items()) {
    const std::string type = address["type"].text();
    if (type == "InternalIP" || type == "ExternalIP")
      add_address(address["address"], node.addresses);
  }
  std::vector<JsonValue> cidrs = object["spec"]["podCIDRs"].items();
  if (cidrs.empty() && object["spec"]["podCIDR"].present()) cidrs = {object["spec"]["podCIDR"]};
  for (const JsonValue& value : cidrs) {
    auto prefix = net::Prefix::parse(value.text());
    if (prefix) {
      node.pod_cidrs.push_back(*prefix);
    } else {
      value.complain(prefix.error().what);
    }
  }
  return node;
}

Pod read_pod(const JsonValue& object) {
  const JsonValue metadata = object["metadata"];
  const JsonValue spec = object["spec"];
  const JsonValue status = object["status"];
  Pod pod;
  pod.namespace_name = metadata["namespace"].text();
  pod.name = metadata["name"].text();
  pod.node = spec["nodeName"].text();
  pod.phase = status["phase"].text();
  pod.host_network = spec["hostNetwork"].flag();
  pod.deleting = metadata["deletionTimestamp"].present();
  add_address(status["podIP"], pod.addresses);
  for (const JsonValue& entry : status["podIPs"].items()) add_address(entry["ip"], pod.addresses);
  pod.labels = read_labels(metadata["labels"]);
  pod.workload = controller_of(object).value_or(Workload{"Pod", pod.name});
  for (const JsonValue& container : spec["containers"].items()) {
    add_ports(container, pod.ports);
  }
  for (const JsonValue& container : spec["initContainers"].items()) {
    // Only a sidecar goes on running beside the containers and can serve.
    if (container["restartPolicy"].text() == "Always") add_ports(container, pod.ports);
  }
  pod.started = read_time(status["startTime"]);
  if (is_finished(pod)) pod.ended = read_end(status);
  return pod;
}

Service read_service(const JsonValue& object) {
  const JsonValue metadata = object["metadata"];
  const JsonValue spec = object["spec"];
  Service service;
  service.namespace_name = metadata["namespace"].text();
  service.name = metadata["name"].text();
  service.type = spec["type"].text();
  if (service.type.empty()) service.type = "ClusterIP";
  add_address(spec["clusterIP"], service.cluster_addresses);
  for (const JsonValue& ip : spec["clusterIPs"].items()) add_address(ip, service.cluster_addresses);
  for (const JsonValue& ip : spec["externalIPs"].items())
    add_address(ip, service.outside_addresses);
  for (const JsonValue& entry : object["status"]["loadBalancer"]["ingress"].items()) {
    add_address(entry["ip"], service.outside_addresses);
  }
  for (const JsonValue& port : spec["ports"].items()) {
    std::string target = port["targetPort"].number_or_text();
    if (target.empty()) target = std::to_string(port["port"].port());  // the API's default
    service.ports.push_back({port["name"].text(), port["port"].port(), std::move(target),
                             port["nodePort"].port(), read_protocol(port["protocol"])});
  }
  service.selector = read_labels(spec["selector"]);
  return service;
}

std::string_view passed_over(const JsonValue& slice) {
  if (slice["addressType"].text() == "FQDN") return "of names";
  if (slice["metadata"]["labels"][kServiceNameLabel].text().empty()) return "of no service";
  return "";
}

std::vector<Endpoint> read_endpoint_slice(const JsonValue& object) {
  std::vector<Endpoint> endpoints;
  const JsonValue metadata = object["metadata"];
  const std::string service = metadata["labels"][kServiceNameLabel].text();
  if (!passed_over(object).empty()) return endpoints;
  const std::string namespace_name = metadata["namespace"].text();
  for (const JsonValue& entry : object["endpoints"].items()) {
    std::vector<net::Address> addresses;
    for (const JsonValue& address : entry["addresses"].items()) add_address(address, addresses);
    for (const JsonValue& port : object["ports"].items()) {
      if (!port["port"].present()) continue;  // a null port: no socket to match
      for (const net::Address& address : addresses) {
        endpoints.push_back({namespace_name, service, address, port["port"].port(),
                             read_protocol(port["protocol"])});
      }
    }
  }
  return endpoints;
}

bool limits_egress(const JsonValue& object) {
  const JsonValue spec = object["spec"];
  const std::vector<JsonValue> types = spec["policyTypes"].items();
  for (const JsonValue& type : types) {
    if (type.text() == "Egress") return true;
  }
  return types.empty() && !spec["egress"].items().empty();
}

}  // namespace outflow::inventory
