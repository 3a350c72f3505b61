#include "aggregator/inventory/objects.h"

#include <array>

namespace outflow::inventory {
namespace {

constexpr std::array<std::string_view, kKinds> kKindNames{"Namespace",
                                                          "Node",
                                                          "ReplicaSet",
                                                          "Deployment",
                                                          "StatefulSet",
                                                          "DaemonSet",
                                                          "CronJob",
                                                          "Job",
                                                          "Pod",
                                                          "Service",
                                                          "EndpointSlice",
                                                          "NetworkPolicy",
                                                          "Tier",
                                                          "Calico NetworkPolicy",
                                                          "GlobalNetworkPolicy",
                                                          "NetworkSet",
                                                          "GlobalNetworkSet"};

struct KeyOf {
  Key operator()(const Namespace& object) const { return {Kind::Namespace, "", object.name}; }
  Key operator()(const Node& object) const { return {Kind::Node, "", object.name}; }
  Key operator()(const Pod& object) const {
    return {Kind::Pod, object.namespace_name, object.name};
  }
  Key operator()(const Service& object) const {
    return {Kind::Service, object.namespace_name, object.name};
  }
  Key operator()(const EndpointSlice& object) const {
    return {Kind::EndpointSlice, object.namespace_name, object.name};
  }
  Key operator()(const NetworkPolicy& object) const {
    return {Kind::NetworkPolicy, object.namespace_name, object.name};
  }
  Key operator()(const CalicoTier& object) const { return {Kind::CalicoTier, "", object.name}; }
  template <class Kinded>
  Key operator()(const Kinded& object) const {
    return {object.kind, object.namespace_name, object.name};
  }
};

}  // namespace

std::string_view to_text(Kind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

Key key_of(const Object& object) {
  return std::visit(KeyOf(), object);
}

}  // namespace outflow::inventory
