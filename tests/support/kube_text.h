// Every field of an inventory object in one line, so that two can be compared and a log can be
// read.
#pragma once

#include <string>
#include <variant>

#include "aggregator/inventory/objects.h"
#include "common/text.h"

namespace outflow::test {

class ObjectText {
 public:
  std::string operator()(const inventory::Namespace& object) const { return labels(object.labels); }
  std::string operator()(const inventory::Node& node) const {
    std::string text = addresses(" ip=", node.addresses);
    for (const auto& cidr : node.pod_cidrs) text += " cidr=" + cidr.to_string();
    return text;
  }
  std::string operator()(const inventory::Pod& pod) const {
    std::string text = " uid=" + pod.uid + " node=" + pod.node + " phase=" + pod.phase +
                       " of=" + pod.workload.kind + "/" + pod.workload.name;
    if (pod.host_network) text += " host-network";
    if (pod.deleting) text += " deleting";
    text += addresses(" ip=", pod.addresses) + labels(pod.labels);
    for (const auto& port : pod.ports) {
      text +=
          " port=" + port.name + ":" + std::to_string(port.number) + ":" + number(port.protocol);
    }
    return text + " started=" + to_text(pod.started) + " ended=" + to_text(pod.ended);
  }
  std::string operator()(const inventory::Service& service) const {
    std::string text = " type=" + service.type + addresses(" ip=", service.cluster_addresses) +
                       addresses(" outside=", service.outside_addresses);
    for (const auto& port : service.ports) {
      text += " port=" + port.name + ":" + std::to_string(port.port) + "->" + port.target_port +
              ":" + std::to_string(port.node_port) + ":" + number(port.protocol);
    }
    return text + labels(service.selector);
  }
  std::string operator()(const inventory::EndpointSlice& slice) const {
    std::string text = " of=" + slice.service;
    for (const auto& end : slice.endpoints) {
      text += " " + end.namespace_name + "/" + end.service + "=" + end.address.to_string() + ":" +
              std::to_string(end.port) + ":" + number(end.protocol);
    }
    return text;
  }
  std::string operator()(const inventory::Owner& owner) const {
    return owner.controller ? " of=" + owner.controller->kind + "/" + owner.controller->name : "";
  }
  std::string operator()(const inventory::NetworkPolicy& policy) const {
    return policy.limits_egress ? " egress" : "";
  }
  std::string operator()(const inventory::CalicoPolicy& policy) const {
    std::string text = " tier=" + policy.tier;
    if (policy.order) text += " order=" + std::to_string(*policy.order);
    text += " pods=" + policy.selector + " namespaces=" + policy.namespace_selector +
            " accounts=" + policy.service_account_selector;
    if (policy.egress) text += " egress";
    if (policy.allows) text += " allows";
    if (policy.denies) text += " denies";
    if (policy.passes) text += " passes";
    return text;
  }
  std::string operator()(const inventory::CalicoTier& tier) const {
    return (tier.order ? " order=" + std::to_string(*tier.order) : "") +
           " default=" + tier.default_action;
  }
  std::string operator()(const inventory::NetworkSet& set) const {
    std::string text = labels(set.labels);
    for (const auto& net : set.nets) text += " net=" + net.to_string();
    return text;
  }

 private:
  static std::string labels(const inventory::Labels& labels) {
    std::string text;
    for (const auto& [key, value] : labels) text.append(" ").append(key).append("=").append(value);
    return text;
  }
  static std::string addresses(const char* name, const std::vector<net::Address>& addresses) {
    std::string text;
    for (const auto& address : addresses) text.append(name).append(address.to_string());
    return text;
  }
  static std::string number(Protocol protocol) {
    return std::to_string(static_cast<int>(protocol));
  }
};

// "[Pod] web/web-1 uid=..."
inline std::string text_of(const inventory::Object& object) {
  const inventory::Key key = inventory::key_of(object);
  const std::string place = key.namespace_name.empty() ? "" : key.namespace_name + "/";
  return "[" + std::string(inventory::to_text(key.kind)) + "] " + place + key.name +
         std::visit(ObjectText(), object);
}

}  // namespace outflow::test
