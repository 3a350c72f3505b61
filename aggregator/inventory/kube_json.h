// Kubernetes objects as kubectl prints them -> Model: the door through which the cluster's own
// words enter.
//
// Reads the plain output of
//   kubectl get -A -o json
//     namespaces,nodes,pods,services,endpointslices,replicasets,jobs,cronjobs,networkpolicies
// (a v1 List of mixed items), typed lists (PodList ...) and single objects, and any number of these
// documents one after the other. An object that comes twice counts once, the later one. Other kinds
// are passed over and counted.
//
// One bad object refuses the whole input, naming path and object: half an inventory would attribute
// wrongly without a sign of it, while the caller's last good one is merely old and says so.
#pragma once

#include <string_view>

#include "aggregator/inventory/model.h"
#include "common/result.h"

namespace outflow::inventory {

// Error: "items[12] (Pod web/web-1): status.podIPs[0].ip: 'x' is no IPv4 or IPv6 address".
[[nodiscard]] Result<Model> read_model(std::string_view json);

}  // namespace outflow::inventory
