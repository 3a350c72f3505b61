// What the live inventory of a large cluster costs: bytes a pod, while one snapshot is in use and
// the next one is being made, and how long making one takes. Exit 1 when a goal is missed.
//
//   bench_inventory [--smoke]      --smoke: 2,000 pods and no goals
#include <malloc.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "aggregator/inventory/live_cluster.h"

namespace {

using namespace outflow;
using namespace outflow::inventory;

constexpr int kPods = 100'000;
constexpr int kSmokePods = 2'000;
constexpr int kPodsOfWorkload = 20;
constexpr int kWorkloadsOfNamespace = 10;
constexpr int kPodsOfNode = 50;
// A cluster of 100,000 pods shall fit 100 MB beside everything else.
constexpr double kBytesGoal = 1024;
// A snapshot a second shall cost no more than a tenth of a processor.
constexpr double kBuildGoal = 0.1;

const TimePoint kNow = from_unix_ns(1'779'000'000'000'000'000);

std::size_t heap_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

net::Address address_of(int pod) {
  return *net::Address::parse(fmt::format("10.{}.{}.{}", pod / 65536, pod / 256 % 256, pod % 256));
}

// A pod of a Deployment, with the names and labels such pods have.
Pod pod_of(int number) {
  const int workload = number / kPodsOfWorkload;
  Pod pod;
  pod.namespace_name = fmt::format("team-namespace-{}", workload / kWorkloadsOfNamespace);
  const std::string name = fmt::format("service-frontend-{}", workload);
  pod.name = fmt::format("{}-7c9f6d5b8d-{:05}", name, number % 100'000);
  pod.uid = fmt::format("0b0e9d4a-4a57-4d1c-9d5c-{:012x}", number);
  pod.node =
      fmt::format("ip-10-0-0-{}.eu-central-1.compute.internal", number % (kPods / kPodsOfNode));
  pod.phase = "Running";
  pod.addresses = {address_of(number)};
  pod.labels = {{"app.kubernetes.io/name", name},
                {"app.kubernetes.io/instance", name},
                {"app.kubernetes.io/managed-by", "Helm"},
                {"helm.sh/chart", "service-frontend-1.2.3"},
                {"pod-template-hash", "7c9f6d5b8d"}};
  pod.workload = {"ReplicaSet", name + "-7c9f6d5b8d"};
  pod.ports = {{"http", 8080, Protocol::Tcp}, {"metrics", 9090, Protocol::Tcp}};
  pod.started = kNow;
  return pod;
}

void list(LiveCluster& cluster, int pods) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    const auto kind = static_cast<Kind>(i);
    cluster.begin_list(kind);
    for (int pod = 0; kind == Kind::Pod && pod < pods; ++pod) cluster.put(pod_of(pod), kNow);
    cluster.end_list(kind, kNow);
  }
}

bool row(std::string_view what, double value, double goal, std::string_view unit) {
  const bool good = goal == 0 || value <= goal;
  fmt::print("{:<58}{:>10.3f} {:<6}{}\n", what, value, unit,
             goal == 0 ? std::string() : fmt::format("goal {} {}", goal, good ? "met" : "MISSED"));
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  const int pods = smoke ? kSmokePods : kPods;
  const auto per_pod = [&](std::size_t bytes) { return static_cast<double>(bytes) / pods; };
  const std::size_t before = heap_in_use();
  LiveCluster cluster;
  const auto listing = std::chrono::steady_clock::now();
  list(cluster, pods);
  const std::chrono::duration<double> listed = std::chrono::steady_clock::now() - listing;
  // What waits to be written to disk is written within a second.
  const std::size_t with_unsaved = heap_in_use() - before;
  while (!cluster.take_unsaved(10'000).empty()) {
  }
  const std::size_t live = heap_in_use() - before;
  const auto first = cluster.snapshot();
  const std::size_t one = heap_in_use() - before;
  cluster.heard(Kind::Pod, kNow + std::chrono::seconds(1));
  cluster.put(Namespace{"changed", {}}, kNow);
  const auto building = std::chrono::steady_clock::now();
  const auto second = cluster.snapshot();
  const std::chrono::duration<double> built = std::chrono::steady_clock::now() - building;
  const std::size_t peak = heap_in_use() - before;
  if (first == nullptr || second == nullptr) {
    fmt::print(stderr, "there is no snapshot\n");
    return 2;
  }

  fmt::print("{} pods\n", pods);
  row("live store", per_pod(live), 0, "B/pod");
  row("live store and the snapshot in use", per_pod(one), 0, "B/pod");
  const bool small = row("live store, snapshot in use and the next one (peak)", per_pod(peak),
                         smoke ? 0 : kBytesGoal, "B/pod");
  row("live store and what the first list has to write", per_pod(with_unsaved), 0, "B/pod");
  row("telling all of it", listed.count(), 0, "s");
  const bool quick = row("making a snapshot", built.count(), smoke ? 0 : kBuildGoal, "s");
  return small && quick ? 0 : 1;
}
