#include "aggregator/kube/protobuf_objects.h"

#include "aggregator/kube/field_numbers.h"

namespace outflow::kube {
namespace {

using inventory::Kind;
using inventory::Object;

Halves halves_of(std::string_view message, Complaint& complaint) {
  Halves halves;
  each_field(message, "", complaint, [&](Fields& fields) {
    if (fields.number() == field::kSpec) halves.spec = fields.bytes();
    if (fields.number() == field::kStatus) halves.status = fields.bytes();
  });
  return halves;
}

void pick_node_address(std::string_view message, Complaint& complaint, inventory::Node& node) {
  std::string_view type;
  std::string_view address;
  each_field(message, "status.addresses", complaint, [&](Fields& fields) {
    if (fields.number() == field::node::kAddressType) type = fields.bytes();
    if (fields.number() == field::node::kAddress) address = fields.bytes();
  });
  if (type == "InternalIP" || type == "ExternalIP") {
    pick_address(address, "status.addresses.address", complaint, node.addresses);
  }
}

Object pick_node(const Halves& halves, Metadata metadata, Complaint& complaint) {
  inventory::Node node;
  node.name = std::move(metadata.name);
  std::string_view first;
  std::vector<std::string_view> cidrs;
  each_field(halves.spec, "spec", complaint, [&](Fields& spec) {
    if (spec.number() == field::node::kPodCidr) first = spec.bytes();
    if (spec.number() == field::node::kPodCidrs) cidrs.push_back(spec.bytes());
  });
  if (cidrs.empty() && !first.empty()) cidrs = {first};
  for (const std::string_view text : cidrs) {
    if (auto prefix = net::Prefix::parse(text)) {
      node.pod_cidrs.push_back(*prefix);
    } else {
      complaint.note("spec.podCIDRs", prefix.error().what);
    }
  }
  each_field(halves.status, "status", complaint, [&](Fields& status) {
    if (status.number() == field::node::kAddresses) {
      pick_node_address(status.bytes(), complaint, node);
    }
  });
  return node;
}

std::string pick_target(std::string_view message, Complaint& complaint) {
  std::uint64_t type = 0;
  std::uint64_t number = 0;
  std::string text;
  each_field(message, "spec.ports.targetPort", complaint, [&](Fields& fields) {
    if (fields.number() == field::int_or_string::kType) type = fields.varint();
    if (fields.number() == field::int_or_string::kNumber) number = fields.varint();
    if (fields.number() == field::int_or_string::kText) {
      text = pick_text(fields.bytes(), "spec.ports.targetPort", complaint);
    }
  });
  if (type != 0) return text;
  return number == 0 ? "" : std::to_string(number);
}

inventory::ServicePort pick_service_port(std::string_view message, Complaint& complaint) {
  constexpr auto kPath = "spec.ports";
  inventory::ServicePort port;
  each_field(message, kPath, complaint, [&](Fields& fields) {
    switch (fields.number()) {
      case field::service::kPortName:
        port.name = pick_text(fields.bytes(), kPath, complaint);
        break;
      case field::service::kPortProtocol:
        port.protocol = pick_protocol(fields.bytes(), kPath, complaint);
        break;
      case field::service::kPortPort:
        port.port = pick_port(fields.varint(), kPath, complaint);
        break;
      case field::service::kPortTargetPort:
        port.target_port = pick_target(fields.bytes(), complaint);
        break;
      case field::service::kPortNodePort:
        port.node_port = pick_port(fields.varint(), kPath, complaint);
        break;
      default:
        break;
    }
  });
  if (port.target_port.empty()) port.target_port = std::to_string(port.port);  // API's default
  return port;
}

void pick_ingress(std::string_view status, Complaint& complaint, inventory::Service& service) {
  constexpr auto kPath = "status.loadBalancer.ingress";
  each_field(status, "status", complaint, [&](Fields& fields) {
    if (fields.number() != field::service::kLoadBalancer) return;
    each_field(fields.bytes(), kPath, complaint, [&](Fields& balancer) {
      if (balancer.number() != field::service::kIngress) return;
      each_field(balancer.bytes(), kPath, complaint, [&](Fields& ingress) {
        if (ingress.number() != field::service::kIngressIp) return;
        pick_address(ingress.bytes(), kPath, complaint, service.outside_addresses);
      });
    });
  });
}

Object pick_service(const Halves& halves, Metadata metadata, Complaint& complaint) {
  inventory::Service service;
  service.namespace_name = std::move(metadata.namespace_name);
  service.name = std::move(metadata.name);
  each_field(halves.spec, "spec", complaint, [&](Fields& spec) {
    switch (spec.number()) {
      case field::service::kPorts:
        service.ports.push_back(pick_service_port(spec.bytes(), complaint));
        break;
      case field::service::kSelector:
        pick_entry(spec.bytes(), "spec.selector", complaint, service.selector);
        break;
      case field::service::kClusterIp:
      case field::service::kClusterIps:
        pick_address(spec.bytes(), "spec.clusterIPs", complaint, service.cluster_addresses);
        break;
      case field::service::kType:
        service.type = pick_text(spec.bytes(), "spec.type", complaint);
        break;
      case field::service::kExternalIps:
        pick_address(spec.bytes(), "spec.externalIPs", complaint, service.outside_addresses);
        break;
      default:
        break;
    }
  });
  if (service.type.empty()) service.type = "ClusterIP";
  pick_ingress(halves.status, complaint, service);
  return service;
}

Object pick_network_policy(const Halves& halves, Metadata metadata, Complaint& complaint) {
  bool egress_rules = false;
  bool typed = false;
  bool egress_type = false;
  each_field(halves.spec, "spec", complaint, [&](Fields& spec) {
    if (spec.number() == field::network_policy::kEgress) egress_rules = true;
    if (spec.number() == field::network_policy::kPolicyTypes) {
      typed = true;
      egress_type = egress_type || spec.bytes() == "Egress";
    }
  });
  return inventory::NetworkPolicy{std::move(metadata.namespace_name), std::move(metadata.name),
                                  typed ? egress_type : egress_rules};
}

struct SlicePort {
  std::uint16_t number = 0;
  Protocol protocol = Protocol::Tcp;
};

// None for a null port: no socket to match.
std::optional<SlicePort> pick_slice_port(std::string_view message, Complaint& complaint) {
  SlicePort port;
  bool given = false;
  each_field(message, "ports", complaint, [&](Fields& fields) {
    if (fields.number() == field::endpoint_slice::kPortPort) {
      given = true;
      port.number = pick_port(fields.varint(), "ports.port", complaint);
    }
    if (fields.number() == field::endpoint_slice::kPortProtocol) {
      port.protocol = pick_protocol(fields.bytes(), "ports.protocol", complaint);
    }
  });
  return given ? std::optional(port) : std::nullopt;
}

Object pick_slice(std::string_view message, Metadata metadata, Complaint& complaint) {
  inventory::EndpointSlice slice;
  slice.namespace_name = std::move(metadata.namespace_name);
  slice.name = std::move(metadata.name);
  const auto label = metadata.labels.find(std::string(kServiceNameLabel));
  if (label != metadata.labels.end()) slice.service = label->second;
  bool names = false;
  std::vector<std::string_view> endpoints;
  std::vector<SlicePort> ports;
  each_field(message, "", complaint, [&](Fields& fields) {
    if (fields.number() == field::endpoint_slice::kAddressType) names = fields.bytes() == "FQDN";
    if (fields.number() == field::endpoint_slice::kEndpoints) endpoints.push_back(fields.bytes());
    if (fields.number() == field::endpoint_slice::kPorts) {
      if (const auto port = pick_slice_port(fields.bytes(), complaint)) ports.push_back(*port);
    }
  });
  if (names || slice.service.empty()) return slice;
  for (const std::string_view endpoint : endpoints) {
    std::vector<net::Address> addresses;
    each_field(endpoint, "endpoints", complaint, [&](Fields& fields) {
      if (fields.number() != field::endpoint_slice::kEndpointAddresses) return;
      pick_address(fields.bytes(), "endpoints.addresses", complaint, addresses);
    });
    for (const SlicePort& port : ports) {
      for (const net::Address& address : addresses) {
        slice.endpoints.push_back(
            {slice.namespace_name, slice.service, address, port.number, port.protocol});
      }
    }
  }
  return slice;
}

}  // namespace

Object pick_object(Kind kind, std::string_view message, Metadata metadata, Complaint& complaint) {
  switch (kind) {
    case Kind::Namespace:
      return inventory::Namespace{std::move(metadata.name), std::move(metadata.labels)};
    case Kind::EndpointSlice:
      return pick_slice(message, std::move(metadata), complaint);
    case Kind::Node:
      return pick_node(halves_of(message, complaint), std::move(metadata), complaint);
    case Kind::Pod:
      return pick_pod(halves_of(message, complaint), std::move(metadata), complaint);
    case Kind::Service:
      return pick_service(halves_of(message, complaint), std::move(metadata), complaint);
    case Kind::NetworkPolicy:
      return pick_network_policy(halves_of(message, complaint), std::move(metadata), complaint);
    default:
      return inventory::Owner{kind, std::move(metadata.namespace_name), std::move(metadata.name),
                              std::move(metadata.controller)};
  }
}

}  // namespace outflow::kube
