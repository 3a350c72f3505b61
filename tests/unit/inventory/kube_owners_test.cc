// From a pod to the workload a person would name.
#include <map>

#include "aggregator/inventory/kube_json.h"
#include "tests/support/catch.h"
#include "tests/support/kube.h"

namespace outflow::inventory {
namespace {

using test::json;
using test::list;
using test::owned_by;
using test::pod;

std::map<std::string, std::string> workloads(const std::string& text) {
  const auto model = read_model(text);
  INFO((model ? "" : model.error().what));
  REQUIRE(model);
  std::map<std::string, std::string> by_pod;
  for (const Pod& each : model->pods) {
    by_pod[each.name] = each.workload.kind + "/" + each.workload.name;
  }
  return by_pod;
}

std::string replica_set(const std::string& name, const std::string& metadata = {}) {
  return json({.api_version = "apps/v1",
               .kind = "ReplicaSet",
               .namespace_name = "web",
               .name = name,
               .metadata = metadata});
}

std::string job(const std::string& name, const std::string& metadata = {}) {
  return json({.api_version = "batch/v1",
               .kind = "Job",
               .namespace_name = "web",
               .name = name,
               .metadata = metadata});
}

TEST_CASE("a ReplicaSet's pod belongs to what controls the ReplicaSet", "[owners]") {
  const auto found = workloads(
      list({pod("web", "a", "10.1.0.1", owned_by("ReplicaSet", "web-7c9f6d5b8d")),
            pod("web", "b", "10.1.0.2", owned_by("ReplicaSet", "lone")),
            pod("web", "c", "10.1.0.3", owned_by("ReplicaSet", "canary-5d8")),
            replica_set("web-7c9f6d5b8d", owned_by("Deployment", "web")), replica_set("lone"),
            replica_set("canary-5d8", owned_by("Rollout", "canary"))}));

  CHECK(found.at("a") == "Deployment/web");
  CHECK(found.at("b") == "ReplicaSet/lone");
  CHECK(found.at("c") == "Rollout/canary");
}

TEST_CASE("of a ReplicaSet not in the file only the label tells the Deployment", "[owners]") {
  const auto owner = owned_by("ReplicaSet", "web-7c9f6d5b8d");
  const auto found = workloads(list(
      {pod("web", "labelled", "10.1.0.1",
           owner + R"(,"labels":{"pod-template-hash":"7c9f6d5b8d"})"),
       pod("web", "unlabelled", "10.1.0.2", owner),
       pod("web", "mislabelled", "10.1.0.3", owner + R"(,"labels":{"pod-template-hash":"d5b8d"})"),
       pod("web", "emptied", "10.1.0.4", owner + R"(,"labels":{"pod-template-hash":""})"),
       // A ReplicaSet of another namespace is another one.
       json({.api_version = "apps/v1",
             .kind = "ReplicaSet",
             .namespace_name = "other",
             .name = "web-7c9f6d5b8d",
             .metadata = owned_by("Deployment", "wrong")})}));

  CHECK(found.at("labelled") == "Deployment/web");
  CHECK(found.at("unlabelled") == "ReplicaSet/web-7c9f6d5b8d");
  CHECK(found.at("mislabelled") == "ReplicaSet/web-7c9f6d5b8d");
  CHECK(found.at("emptied") == "ReplicaSet/web-7c9f6d5b8d");
}

TEST_CASE("all runs of a CronJob are one workload", "[owners]") {
  const auto found =
      workloads(list({pod("web", "run-1", "10.1.0.1", owned_by("Job", "backup-29384720")),
                      pod("web", "run-2", "10.1.0.2", owned_by("Job", "backup-29386160")),
                      pod("web", "by-hand", "10.1.0.3", owned_by("Job", "backup-manual-x7")),
                      job("backup-29384720", owned_by("CronJob", "backup")),
                      job("backup-29386160", owned_by("CronJob", "backup")),
                      job("backup-manual-x7", owned_by("CronJob", "backup"))}));

  CHECK(found.at("run-1") == "CronJob/backup");
  CHECK(found.at("run-2") == "CronJob/backup");
  CHECK(found.at("by-hand") == "CronJob/backup");
}

TEST_CASE("a run whose Job is gone is its CronJob's only where the file has that CronJob",
          "[owners]") {
  const auto found = workloads(list({
      pod("web", "gone", "10.1.0.1", owned_by("Job", "backup-29384720")),
      pod("web", "stranger", "10.1.0.2", owned_by("Job", "restore-29384720")),
      pod("web", "named", "10.1.0.3", owned_by("Job", "backup-x7")),
      pod("web", "dash", "10.1.0.4", owned_by("Job", "backup-")),
      pod("other", "elsewhere", "10.1.0.5", owned_by("Job", "backup-29384720")),
      json({.api_version = "batch/v1",
            .kind = "CronJob",
            .namespace_name = "web",
            .name = "backup"}),
  }));

  CHECK(found.at("gone") == "CronJob/backup");
  CHECK(found.at("stranger") == "Job/restore-29384720");
  CHECK(found.at("named") == "Job/backup-x7");
  CHECK(found.at("dash") == "Job/backup-");
  CHECK(found.at("elsewhere") == "Job/backup-29384720");
}

TEST_CASE("other controllers are workloads themselves, and so is a pod without one", "[owners]") {
  const auto found = workloads(list(
      {pod("web", "db-0", "10.1.0.1", owned_by("StatefulSet", "db")),
       pod("web", "agent-x", "10.1.0.2", owned_by("DaemonSet", "agent")),
       pod("web", "job-x", "10.1.0.3", owned_by("Job", "once")), job("once"),
       pod("web", "pg-1", "10.1.0.4", owned_by("Cluster", "pg")), pod("web", "bare", "10.1.0.5"),
       pod("web", "kube-proxy-w1", "10.1.0.6", owned_by("Node", "w1")),
       pod("web", "oddly-named", "10.1.0.7", owned_by("Node", "w1"))}));

  CHECK(found.at("db-0") == "StatefulSet/db");
  CHECK(found.at("agent-x") == "DaemonSet/agent");
  CHECK(found.at("job-x") == "Job/once");
  CHECK(found.at("pg-1") == "Cluster/pg");
  CHECK(found.at("bare") == "Pod/bare");
  CHECK(found.at("kube-proxy-w1") == "StaticPod/kube-proxy");
  CHECK(found.at("oddly-named") == "StaticPod/oddly-named");
}

}  // namespace
}  // namespace outflow::inventory
