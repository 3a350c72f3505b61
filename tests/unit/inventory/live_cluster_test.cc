#include "aggregator/inventory/live_cluster.h"

#include "tests/support/catch.h"

namespace outflow::inventory {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow = from_unix_ns(1'779'000'000'000'000'000);  // in May 2026

net::Address ip(std::string_view text) {
  return *net::Address::parse(text);
}

Pod pod(std::string name, std::string_view address, TimePoint started, std::string uid) {
  Pod made;
  made.namespace_name = "web";
  made.name = std::move(name);
  made.uid = std::move(uid);
  made.phase = "Running";
  made.node = "w1";
  made.started = started;
  made.workload = {"Pod", made.name};
  if (!address.empty()) made.addresses = {ip(address)};
  return made;
}

Pod ended(Pod of, TimePoint time) {
  of.phase = "Succeeded";
  of.ended = time;
  return of;
}

// All kinds listed empty: what comes then are events.
void list_nothing(LiveCluster& live, TimePoint at) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    live.begin_list(static_cast<Kind>(i));
    live.end_list(static_cast<Kind>(i), at);
  }
}

std::string owner(const Snapshot& snapshot, std::string_view address, TimePoint time) {
  const PodPtr found = snapshot.pod_by_address(ip(address), time);
  return found == nullptr ? "? " + snapshot.why_no_pod(ip(address), time) : found->name;
}

TEST_CASE("nobody is named before all that is needed was listed once", "[live]") {
  LiveCluster live;
  live.begin_list(Kind::Pod);
  live.put(pod("a", "10.1.0.1", kNow, "u1"), kNow);
  live.end_list(Kind::Pod, kNow);

  CHECK(live.snapshot() == nullptr);
  CHECK(live.states().error() == "Namespace: not listed yet (and 15 more kinds)");
  list_nothing(live, kNow);
  const auto snapshot = live.snapshot();
  REQUIRE(snapshot != nullptr);
  CHECK(snapshot->as_of() == kNow);
  CHECK(live.states().error().empty());
  CHECK(live.snapshot() == nullptr);  // nothing changed
}

TEST_CASE("an address that passes to another pod within a second is nobody's for two seconds",
          "[live]") {
  LiveCluster live;
  list_nothing(live, kNow - 1h);
  const Pod first = pod("first", "10.1.0.1", kNow - 50min, "u1");
  live.put(first, kNow - 49min);
  live.put(ended(first, kNow), kNow + 300ms);
  live.remove(ended(first, kNow), kNow + 400ms);
  live.put(pod("second", "", kNow, "u2"), kNow + 500ms);
  live.put(pod("second", "10.1.0.1", kNow, "u2"), kNow + 900ms);
  const auto snapshot = live.snapshot();

  CHECK(owner(*snapshot, "10.1.0.1", kNow - 10s) == "first");
  CHECK(owner(*snapshot, "10.1.0.1", kNow - 3s) == "first");
  CHECK(owner(*snapshot, "10.1.0.1", kNow + 4s) == "second");
  CHECK(owner(*snapshot, "10.1.0.1", kNow + 700ms) ==
        "? web/first and web/second may both have had it then");
  CHECK(owner(*snapshot, "10.1.0.1", kNow - 2h) ==
        "? the pod that has the address now started later");
}

TEST_CASE("a pod of three seconds is known after it is gone", "[live]") {
  LiveCluster live;
  list_nothing(live, kNow - 1h);
  Pod job = pod("backup-29384720-x2x4z", "10.1.0.7", kNow, "u7");
  job.workload = {"Job", "backup-29384720"};
  live.put(Owner{Kind::CronJob, "web", "backup", {}}, kNow - 1h);
  live.put(Owner{Kind::Job, "web", "backup-29384720", Workload{"CronJob", "backup"}}, kNow);
  live.put(job, kNow + 1s);
  live.put(ended(job, kNow + 3s), kNow + 3s);
  live.remove(Owner{Kind::Job, "web", "backup-29384720", {}}, kNow + 4s);
  live.remove(ended(job, kNow + 3s), kNow + 4s);
  const auto snapshot = live.snapshot();

  CHECK(snapshot->pod_count() == 0);
  const PodPtr by_address = snapshot->pod_by_address(ip("10.1.0.7"), kNow + 2s);
  REQUIRE(by_address != nullptr);
  CHECK(by_address->workload == Workload{"CronJob", "backup"});
  const PodPtr by_name =
      snapshot->pod_by_interface(calico_interface_name("web", "backup-29384720-x2x4z"), kNow + 2s);
  REQUIRE(by_name != nullptr);
  CHECK(by_name->workload == Workload{"CronJob", "backup"});
  CHECK(owner(*snapshot, "10.1.0.7", kNow + 2min) ==
        "? the pod that had the address had ended by then");
}

TEST_CASE("events of an older life change nothing of the one that is there", "[live]") {
  LiveCluster live;
  list_nothing(live, kNow - 1h);
  const Pod old = pod("db-0", "10.1.0.1", kNow - 30min, "u1");
  const Pod now = pod("db-0", "10.1.0.2", kNow, "u2");
  live.put(now, kNow + 1s);
  live.put(old, kNow + 2s);
  live.remove(old, kNow + 3s);
  const auto snapshot = live.snapshot();

  CHECK(snapshot->pod_count() == 1);
  CHECK(owner(*snapshot, "10.1.0.2", kNow + 10s) == "db-0");
  CHECK(live.counts().contradictions == 2);
}

TEST_CASE("a deletion missed during a relist leaves the end open", "[live]") {
  LiveCluster live;
  list_nothing(live, kNow - 1h);
  live.put(pod("gone", "10.1.0.1", kNow - 50min, "u1"), kNow - 50min);
  live.heard(Kind::Pod, kNow - 30min);
  live.begin_list(Kind::Pod);
  live.put(pod("next", "10.1.0.1", kNow - 5min, "u2"), kNow);
  live.end_list(Kind::Pod, kNow);
  const auto snapshot = live.snapshot();

  CHECK(snapshot->pod_count() == 1);
  CHECK(owner(*snapshot, "10.1.0.1", kNow - 31min) == "gone");
  CHECK(owner(*snapshot, "10.1.0.1", kNow - 20min).find("web/gone was last known to have it at ") ==
        2);
  CHECK(owner(*snapshot, "10.1.0.1", kNow - 4min) == "next");
  CHECK(owner(*snapshot, "10.1.0.1", kNow - 5min - 1s) ==
        "? web/gone and web/next may both have had it then");
}

TEST_CASE("a pod made again under its name is one owner, and has the workload of the time",
          "[live]") {
  LiveCluster live;
  list_nothing(live, kNow - 1h);
  Pod first = pod("db-0", "10.1.0.1", kNow - 30min, "u1");
  first.workload = {"StatefulSet", "db"};
  Pod second = pod("db-0", "10.1.0.1", kNow, "u2");
  second.workload = {"StatefulSet", "db"};
  live.put(first, kNow - 30min);
  live.remove(ended(first, kNow - 1s), kNow);
  live.put(second, kNow);
  const auto snapshot = live.snapshot();
  const std::string interface = calico_interface_name("web", "db-0");

  CHECK(owner(*snapshot, "10.1.0.1", kNow - 500ms) == "db-0");
  CHECK(snapshot->pod_by_interface(interface, kNow - 10min)->uid !=
        snapshot->pod_by_interface(interface, kNow + 10min)->uid);
  CHECK(snapshot->pod_by_interface(interface, kNow - 10min)->workload.name == "db");
}

TEST_CASE("a pod on its node's network owns no address, live or gone", "[live]") {
  LiveCluster live;
  list_nothing(live, kNow - 1h);
  Pod host = pod("proxy", "192.0.2.1", kNow - 30min, "u1");
  host.host_network = true;
  live.put(host, kNow - 30min);
  const auto there = live.snapshot();
  live.remove(host, kNow);
  const auto gone = live.snapshot();

  REQUIRE(there->pods_of("web").size() == 1);
  CHECK(there->pods_of("web")[0]->host_network);
  CHECK(owner(*there, "192.0.2.1", kNow - 10min) == "? ");
  CHECK(owner(*gone, "192.0.2.1", kNow - 10min) == "? ");
}

TEST_CASE("what was learned survives a restart, and its absence is noticed", "[live]") {
  LiveCluster before;
  list_nothing(before, kNow - 1h);
  before.put(pod("gone", "10.1.0.1", kNow - 50min, "u1"), kNow - 50min);
  before.remove(ended(pod("gone", "10.1.0.1", kNow - 50min, "u1"), kNow - 40min), kNow - 40min);
  before.put(pod("stays", "10.1.0.2", kNow - 50min, "u2"), kNow - 50min);
  before.put(pod("dies", "10.1.0.3", kNow - 50min, "u3"), kNow - 50min);
  std::map<std::pair<std::string, TimePoint>, Held> disk;
  for (Held& held : before.take_unsaved()) {
    const auto& one = std::get<Pod>(held);
    disk.insert_or_assign({one.name, one.told.first}, held);
  }
  LiveCluster after;
  for (auto& [name, held] : disk) after.restore(held);
  after.resume(kNow - 30min);
  CHECK(after.snapshot() == nullptr);
  for (std::size_t i = 0; i < kKinds; ++i) {
    after.begin_list(static_cast<Kind>(i));
    if (static_cast<Kind>(i) == Kind::Pod) {
      after.put(pod("stays", "10.1.0.2", kNow - 50min, "u2"), kNow);
    }
    after.end_list(static_cast<Kind>(i), kNow);
  }
  const auto snapshot = after.snapshot();

  CHECK(owner(*snapshot, "10.1.0.1", kNow - 45min) == "gone");
  CHECK(owner(*snapshot, "10.1.0.2", kNow - 20min) == "stays");
  CHECK(owner(*snapshot, "10.1.0.3", kNow - 31min) == "dies");
  CHECK(owner(*snapshot, "10.1.0.3", kNow - 20min).find("last known") != std::string::npos);
  CHECK(after.take_unsaved().size() == 1);  // the end of `dies`
}

TEST_CASE("a feed that failed says up to when its pods had their addresses", "[live]") {
  LiveCluster live;
  list_nothing(live, kNow - 1h);
  live.put(pod("a", "10.1.0.1", kNow - 50min, "u1"), kNow - 50min);
  live.heard(Kind::Pod, kNow - 10min);
  live.fail(Kind::Pod, "watch pods: connection refused");
  const auto failed = live.snapshot();
  CHECK(live.states().error() == "Pod: watch pods: connection refused");
  live.heard(Kind::Pod, kNow);
  const auto back = live.snapshot();

  CHECK(owner(*failed, "10.1.0.1", kNow - 11min) == "a");
  CHECK(owner(*failed, "10.1.0.1", kNow) == "? the inventory was not known as of then");
  CHECK(owner(*back, "10.1.0.1", kNow) == "a");
  CHECK(live.states().error().empty());
}

TEST_CASE("a ClusterIP and a node's address are those of the one that had it then", "[live]") {
  LiveCluster live;
  list_nothing(live, kNow - 1h);
  const auto service = [](std::string name) {
    Service made;
    made.namespace_name = "web";
    made.name = std::move(name);
    made.type = "ClusterIP";
    made.cluster_addresses = {ip("10.96.0.9")};
    return made;
  };
  const Node old{"w1", {ip("192.0.2.1")}, {}, {}};
  const Node young{"w2", {ip("192.0.2.1")}, {}, {}};
  live.put(service("old"), kNow - 50min);
  live.put(old, kNow - 50min);
  live.remove(service("old"), kNow - 20min);
  live.remove(old, kNow - 20min);
  live.put(service("young"), kNow - 10min);
  live.put(young, kNow - 10min);
  const auto snapshot = live.snapshot();

  CHECK(snapshot->service_by_address(ip("10.96.0.9"), kNow - 30min)->name == "old");
  CHECK(snapshot->service_by_address(ip("10.96.0.9"), kNow)->name == "young");
  CHECK(snapshot->service_by_address(ip("10.96.0.9"), kNow - 15min) == nullptr);
  CHECK(snapshot->why_nobody(ip("10.96.0.9"), kNow - 15min) ==
        "the service that had the address had ended by then, and the one that has it now started "
        "later");
  CHECK(snapshot->node_by_address(ip("192.0.2.1"), kNow - 30min)->name == "w1");
  CHECK(snapshot->node_by_address(ip("192.0.2.1"), kNow)->name == "w2");
  CHECK(snapshot->model().services.size() == 1);
}

TEST_CASE("a snapshot stays what it was", "[live]") {
  LiveCluster live;
  list_nothing(live, kNow - 1h);
  const Pod one = pod("a", "10.1.0.1", kNow - 50min, "u1");
  live.put(one, kNow - 50min);
  const auto before = live.snapshot();
  live.remove(one, kNow);

  CHECK(live.snapshot()->pod_count() == 0);
  CHECK(before->pod_count() == 1);
  CHECK(owner(*before, "10.1.0.1", kNow) == "a");
}

TEST_CASE("a pod told before its Job gets its CronJob when the Job is told", "[live]") {
  LiveCluster live;
  list_nothing(live, kNow - 1h);
  Pod job = pod("nightly-1-x2x4z", "10.1.0.7", kNow, "u7");
  job.workload = {"Job", "nightly-1"};
  live.put(job, kNow);
  CHECK(live.snapshot()->pods()[0]->workload == Workload{"Job", "nightly-1"});
  live.put(Owner{Kind::Job, "web", "nightly-1", Workload{"CronJob", "nightly"}}, kNow);

  CHECK(live.snapshot()->pods()[0]->workload == Workload{"CronJob", "nightly"});
}

TEST_CASE("of those who are gone the oldest are cut beyond the bound, and counted", "[live]") {
  LiveCluster live(40);
  list_nothing(live, kNow - 1h);
  for (int i = 0; i < 60; ++i) {
    const Pod one = pod("p" + std::to_string(i), "10.1.0." + std::to_string(i),
                        kNow + std::chrono::minutes(i), "u" + std::to_string(i));
    live.put(one, one.started);
    live.remove(one, one.started + 10s);
  }

  CHECK(live.counts().gone <= 40);
  CHECK(live.counts().cut + live.counts().gone == 60);
  CHECK(owner(*live.snapshot(), "10.1.0.59", kNow + 59min + 5s) == "p59");
  live.forget(kNow + 24h);
  CHECK(live.counts().gone == 0);
}

}  // namespace
}  // namespace outflow::inventory
