// One custom resource of Calico -> the part of the model it is. `crd` says that it comes from
// crd.projectcalico.org/v1, Calico's own store: name and labels as people gave them may then be in
// an annotation (projectcalico.org/metadata), and policies of the default tier have "default."
// before their name.
#pragma once

#include "aggregator/inventory/json_value.h"
#include "aggregator/inventory/objects.h"

namespace outflow::kube {

// `kind` is one of Calico's. Complaints go to the value's own Complaint.
[[nodiscard]] inventory::Object read_calico(inventory::Kind kind, bool crd,
                                            const inventory::JsonValue& object);

}  // namespace outflow::kube
