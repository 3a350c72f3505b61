// The owner a person would name, followed from the one a pod names itself. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "aggregator/inventory/model.h"

namespace outflow::inventory {

// Who controls a ReplicaSet, Job or CronJob: null when nothing is known of the object, nullopt when
// nobody does.
using OwnerOf = std::function<const std::optional<Workload>*(
    const std::string& kind, const std::string& namespace_name, const std::string& name)>;

struct TopOwner {
  Workload workload;
  bool settled = true;  // false: a ReplicaSet or Job nothing is known of, which may tell more later
};
// `pod.workload` is its direct owner, or the pod itself.
[[nodiscard]] TopOwner top_owner(const Pod& pod, const OwnerOf& owner_of);

}  // namespace outflow::inventory
