// One Kubernetes object -> the part of the model it is; one function a kind. Complaints go to the
// values' own Complaint, so a function always returns something.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/inventory/json_value.h"
#include "aggregator/inventory/model.h"

namespace outflow::inventory {

// The owner with controller: true, else none.
[[nodiscard]] std::optional<Workload> controller_of(const JsonValue& object);

[[nodiscard]] Namespace read_namespace(const JsonValue& object);
[[nodiscard]] Node read_node(const JsonValue& object);
// `workload` is the direct owner, or the pod itself: kube_json.cc follows it further.
[[nodiscard]] Pod read_pod(const JsonValue& object);
[[nodiscard]] Service read_service(const JsonValue& object);
// Why a slice says nothing about addresses of a service: "of names", "of no service"; else "".
[[nodiscard]] std::string_view passed_over(const JsonValue& slice);
// None for a slice of names (addressType FQDN), or one that belongs to no service.
[[nodiscard]] std::vector<Endpoint> read_endpoint_slice(const JsonValue& object);
// Whether a NetworkPolicy limits egress: policyTypes say so, or it has egress rules and no types.
[[nodiscard]] bool limits_egress(const JsonValue& object);

}  // namespace outflow::inventory
