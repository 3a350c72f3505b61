#include "aggregator/inventory/owner.h"

#include <algorithm>

namespace outflow::inventory {
namespace {

// The CronJob behind a Job that is gone: only where that CronJob is known, and the Job's name is
// one it gives ("backup-29384720", the minute it was due).
std::optional<Workload> cron_job_of(const Pod& pod, const std::string& job,
                                    const OwnerOf& owner_of) {
  const std::size_t dash = job.rfind('-');
  if (dash == std::string::npos) return std::nullopt;
  const std::string minute = job.substr(dash + 1);
  const bool due = !minute.empty() && std::all_of(minute.begin(), minute.end(),
                                                  [](char c) { return c >= '0' && c <= '9'; });
  if (!due || owner_of("CronJob", pod.namespace_name, job.substr(0, dash)) == nullptr) {
    return std::nullopt;
  }
  return Workload{"CronJob", job.substr(0, dash)};
}

}  // namespace

TopOwner top_owner(const Pod& pod, const OwnerOf& owner_of) {
  const Workload& workload = pod.workload;
  if (workload.kind == "Node") {  // a static pod's mirror is called NAME-NODE
    std::string name = pod.name;
    if (name.ends_with("-" + workload.name)) name.resize(name.size() - workload.name.size() - 1);
    return {{"StaticPod", name}};
  }
  const auto* owner = owner_of(workload.kind, pod.namespace_name, workload.name);
  if (owner != nullptr) return {owner->value_or(workload)};
  // A ReplicaSet that is gone by now: its Deployment's name is told by the pod's own label.
  const auto hash = pod.labels.find("pod-template-hash");
  if (workload.kind == "ReplicaSet" && hash != pod.labels.end() && !hash->second.empty() &&
      workload.name.ends_with("-" + hash->second)) {
    return {{"Deployment", workload.name.substr(0, workload.name.size() - hash->second.size() - 1)},
            false};
  }
  if (workload.kind == "Job") {
    return {cron_job_of(pod, workload.name, owner_of).value_or(workload), false};
  }
  return {workload, workload.kind != "ReplicaSet"};
}

}  // namespace outflow::inventory
