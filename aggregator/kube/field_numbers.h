// Field numbers of the Kubernetes API, as far as we pick them. They never change (the API's own
// compatibility rules). Sources, of Kubernetes 1.34: k8s.io/apimachinery
// pkg/apis/meta/v1/generated.proto and pkg/util/intstr/generated.proto; k8s.io/api
// core/v1, discovery/v1 and networking/v1 generated.proto.
#pragma once

#include <cstdint>

namespace outflow::kube::field {

using Number = std::uint32_t;

// Every top-level object has its metadata in 1; every list its ListMeta in 1 and its items in 2.
inline constexpr Number kMetadata = 1;
inline constexpr Number kItems = 2;
inline constexpr Number kSpec = 2;
inline constexpr Number kStatus = 3;
// An entry of any map.
inline constexpr Number kMapKey = 1;
inline constexpr Number kMapValue = 2;

namespace list_meta {
inline constexpr Number kResourceVersion = 2;
inline constexpr Number kContinue = 3;
}  // namespace list_meta

namespace status {
inline constexpr Number kMetadata = 1;  // ListMeta
inline constexpr Number kMessage = 3;
inline constexpr Number kReason = 4;
inline constexpr Number kDetails = 5;
inline constexpr Number kCode = 6;
inline constexpr Number kDetailsRetryAfterSeconds = 5;
}  // namespace status

namespace object_meta {
inline constexpr Number kName = 1;
inline constexpr Number kNamespace = 3;
inline constexpr Number kUid = 5;
inline constexpr Number kResourceVersion = 6;
inline constexpr Number kDeletionTimestamp = 9;
inline constexpr Number kLabels = 11;
inline constexpr Number kAnnotations = 12;
inline constexpr Number kOwnerReferences = 13;
}  // namespace object_meta

namespace owner_reference {
inline constexpr Number kKind = 1;
inline constexpr Number kName = 3;
inline constexpr Number kController = 6;
}  // namespace owner_reference

namespace time {
inline constexpr Number kSeconds = 1;
inline constexpr Number kNanos = 2;
}  // namespace time

namespace node {
inline constexpr Number kPodCidr = 1;    // NodeSpec
inline constexpr Number kPodCidrs = 7;   // NodeSpec
inline constexpr Number kAddresses = 5;  // NodeStatus
inline constexpr Number kAddressType = 1;
inline constexpr Number kAddress = 2;
}  // namespace node

namespace pod_spec {
inline constexpr Number kContainers = 2;
inline constexpr Number kNodeName = 10;
inline constexpr Number kHostNetwork = 11;
inline constexpr Number kInitContainers = 20;
}  // namespace pod_spec

namespace container {
inline constexpr Number kPorts = 6;
inline constexpr Number kRestartPolicy = 24;
inline constexpr Number kPortName = 1;
inline constexpr Number kContainerPort = 3;
inline constexpr Number kPortProtocol = 4;
}  // namespace container

namespace pod_status {
inline constexpr Number kPhase = 1;
inline constexpr Number kPodIp = 6;
inline constexpr Number kStartTime = 7;
inline constexpr Number kContainerStatuses = 8;
inline constexpr Number kInitContainerStatuses = 10;
inline constexpr Number kPodIps = 12;
inline constexpr Number kPodIpsIp = 1;
inline constexpr Number kContainerState = 2;
inline constexpr Number kStateTerminated = 3;
inline constexpr Number kTerminatedFinishedAt = 6;
}  // namespace pod_status

namespace service {
inline constexpr Number kPorts = 1;
inline constexpr Number kSelector = 2;
inline constexpr Number kClusterIp = 3;
inline constexpr Number kType = 4;
inline constexpr Number kExternalIps = 5;
inline constexpr Number kClusterIps = 18;
inline constexpr Number kPortName = 1;
inline constexpr Number kPortProtocol = 2;
inline constexpr Number kPortPort = 3;
inline constexpr Number kPortTargetPort = 4;
inline constexpr Number kPortNodePort = 5;
inline constexpr Number kLoadBalancer = 1;  // ServiceStatus
inline constexpr Number kIngress = 1;       // LoadBalancerStatus
inline constexpr Number kIngressIp = 1;
}  // namespace service

namespace int_or_string {
inline constexpr Number kType = 1;  // 0: a number, 1: a text
inline constexpr Number kNumber = 2;
inline constexpr Number kText = 3;
}  // namespace int_or_string

namespace endpoint_slice {
inline constexpr Number kEndpoints = 2;
inline constexpr Number kPorts = 3;
inline constexpr Number kAddressType = 4;
inline constexpr Number kEndpointAddresses = 1;
inline constexpr Number kPortProtocol = 2;
inline constexpr Number kPortPort = 3;
}  // namespace endpoint_slice

namespace network_policy {
inline constexpr Number kEgress = 3;
inline constexpr Number kPolicyTypes = 4;
}  // namespace network_policy

}  // namespace outflow::kube::field
