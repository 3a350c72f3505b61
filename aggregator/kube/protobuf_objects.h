// One protobuf object -> the part of the model it is. The counterpart of inventory/kube_objects.h,
// which reads the same from JSON: both must say the same of the same object.
#pragma once

#include <string_view>

#include "aggregator/inventory/objects.h"
#include "aggregator/kube/pick.h"

namespace outflow::kube {

// `metadata` was picked from the same message already.
[[nodiscard]] inventory::Object pick_object(inventory::Kind kind, std::string_view message,
                                            Metadata metadata, Complaint& complaint);

// The two halves every object but a slice has.
struct Halves {
  std::string_view spec;
  std::string_view status;
};
// Behind pick_object(): a pod is the largest of them.
[[nodiscard]] inventory::Object pick_pod(const Halves& halves, Metadata metadata,
                                         Complaint& complaint);

}  // namespace outflow::kube
