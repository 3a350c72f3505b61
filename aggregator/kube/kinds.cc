#include "aggregator/kube/kinds.h"

namespace outflow::kube {
namespace {

constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";
constexpr std::string_view kJson = "application/json";

// In the order of Kind.
constexpr std::array<Resource, inventory::kKinds> kResources{{
    {.path = "/api/v1/namespaces"},
    {.path = "/api/v1/nodes"},
    {.path = "/apis/apps/v1/replicasets", .namespaced = true, .metadata_only = true},
    {.path = "/apis/apps/v1/deployments", .namespaced = true, .metadata_only = true},
    {.path = "/apis/apps/v1/statefulsets", .namespaced = true, .metadata_only = true},
    {.path = "/apis/apps/v1/daemonsets", .namespaced = true, .metadata_only = true},
    {.path = "/apis/batch/v1/cronjobs", .namespaced = true, .metadata_only = true},
    {.path = "/apis/batch/v1/jobs", .namespaced = true, .metadata_only = true},
    {.path = "/api/v1/pods", .namespaced = true},
    {.path = "/api/v1/services", .namespaced = true},
    {.path = "/apis/discovery.k8s.io/v1/endpointslices", .namespaced = true},
    {.path = "/apis/networking.k8s.io/v1/networkpolicies", .namespaced = true},
    {.path = "/apis/projectcalico.org/v3/tiers",
     .otherwise = "/apis/crd.projectcalico.org/v1/tiers",
     .json_only = true},
    {.path = "/apis/projectcalico.org/v3/networkpolicies",
     .otherwise = "/apis/crd.projectcalico.org/v1/networkpolicies",
     .namespaced = true,
     .json_only = true},
    {.path = "/apis/projectcalico.org/v3/globalnetworkpolicies",
     .otherwise = "/apis/crd.projectcalico.org/v1/globalnetworkpolicies",
     .json_only = true},
    {.path = "/apis/projectcalico.org/v3/networksets",
     .otherwise = "/apis/crd.projectcalico.org/v1/networksets",
     .namespaced = true,
     .json_only = true},
    {.path = "/apis/projectcalico.org/v3/globalnetworksets",
     .otherwise = "/apis/crd.projectcalico.org/v1/globalnetworksets",
     .json_only = true},
}};

}  // namespace

const Resource& resource_of(Kind kind) {
  return kResources[static_cast<std::size_t>(kind)];
}

std::string accept_of(const Resource& resource, bool watch) {
  if (resource.json_only) return std::string(kJson);
  std::string as;
  if (resource.metadata_only) {
    as = std::string(";as=PartialObjectMetadata") + (watch ? "" : "List") + ";g=meta.k8s.io;v=v1";
  }
  return std::string(kProtobuf) + as + "," + std::string(kJson) + as;
}

}  // namespace outflow::kube
