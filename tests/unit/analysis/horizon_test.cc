#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using analysis::Horizon;

namespace {

constexpr nanoseconds kDay = std::chrono::hours(24);

// Namespace "web" hooked on node w1 from the 18th to the 25th, all of it reported; it is the 25th,
// noon.
struct World {
  std::vector<store::NodeDay> node_days;
  std::vector<store::Presence> presences;
  inventory::Model model;
  Interval window{at("2026-05-18"), at("2026-05-25T12:00:00Z")};

  World() {
    for (int i = 0; i < 8; ++i) {
      const Day one = day("2026-05-18") + std::chrono::days(i);
      node_days.push_back({"w1", one, i < 7 ? kDay : kDay / 2, {}, {}});
      presences.push_back({"web", "w1", one});
    }
  }
  void run_pod(std::string node_name, std::string_view started, bool host_network = false) {
    inventory::Pod pod;
    pod.namespace_name = "web";
    pod.name = "api-1";
    pod.node = std::move(node_name);
    pod.phase = "Running";
    pod.host_network = host_network;
    pod.started = at(started);
    model.pods.push_back(std::move(pod));
  }
  [[nodiscard]] Horizon horizon() const {
    return analysis::horizon_of("web", {node_days, presences},
                                inventory::Snapshot(model, window.end), window);
  }
};

}  // namespace

TEST_CASE("seven whole days without loss are enough, and today does not count", "[horizon]") {
  const Horizon horizon = World().horizon();

  CHECK(horizon.valid_days == 7);
  CHECK(horizon.enough());
  CHECK_FALSE(horizon.incomplete);
  CHECK(horizon.reasons == std::vector<std::string>{"1 day (2026-05-25): still running"});
}

TEST_CASE("a day reported but for more than 0.1 % does not count", "[horizon]") {
  World world;
  world.node_days[2].covered = kDay - analysis::kGapMax;
  world.node_days[3].covered = kDay - analysis::kGapMax - nanoseconds(1);
  const Horizon horizon = world.horizon();

  CHECK(horizon.valid_days == 6);
  CHECK(horizon.incomplete);
  CHECK(horizon.reasons.front() == "1 day (2026-05-21): node w1 did not report the whole day");
}

TEST_CASE("a day on which a node lost anything does not count", "[horizon]") {
  World world;
  world.node_days[0].losses["ring_full"] = 3;
  world.node_days[1].losses["ring_full"] = 0;
  const Horizon horizon = world.horizon();

  CHECK(horizon.valid_days == 6);
  CHECK(horizon.incomplete);
  CHECK(horizon.reasons.front() == "1 day (2026-05-18): node w1 lost data (ring_full 3)");
}

TEST_CASE("a loss of today makes the evidence incomplete too", "[horizon]") {
  World world;
  world.node_days[7].losses["ring_full"] = 1;

  CHECK(world.horizon().valid_days == 7);
  CHECK(world.horizon().incomplete);
}

TEST_CASE("days without a watched pod do not count, and are no gap", "[horizon]") {
  World world;
  world.presences.resize(4);
  const Horizon horizon = world.horizon();

  CHECK(horizon.valid_days == 4);
  CHECK_FALSE(horizon.incomplete);
  CHECK(horizon.reasons.front() == "3 days (2026-05-22 .. 2026-05-24): no pod was watched");
}

TEST_CASE("a pod on a node without agent spoils every day since it started", "[horizon]") {
  World world;
  world.run_pod("w2", "2026-05-20T08:00:00Z");
  const Horizon horizon = world.horizon();

  CHECK(horizon.valid_days == 2);
  CHECK(horizon.incomplete);
  CHECK(horizon.reasons.front() == "5 days (2026-05-20 .. 2026-05-24): node w2 did not report");
}

TEST_CASE("a pod on the host's network asks for no agent", "[horizon]") {
  World world;
  world.run_pod("w2", "2026-05-20T08:00:00Z", true);

  CHECK(world.horizon().valid_days == 7);
}

TEST_CASE("pods that ran on a reporting node without being hooked do not count", "[horizon]") {
  World world;
  world.presences.clear();
  world.run_pod("w1", "2026-05-18T08:00:00Z");

  CHECK(world.horizon().valid_days == 0);
  CHECK(world.horizon().reasons.front() ==
        "7 days (2026-05-18 .. 2026-05-24): pods ran, but none was watched");
}

TEST_CASE("other namespaces and other nodes do not matter", "[horizon]") {
  World world;
  world.presences.push_back({"shop", "w3", day("2026-05-20")});
  world.node_days.push_back({"w3", day("2026-05-20"), kDay / 3, {{"ring_full", 9}}, {}});

  CHECK(world.horizon().valid_days == 7);
}

TEST_CASE("before a node's agent came is not a gap, and the day it came is none either",
          "[horizon]") {
  World world;
  world.window.start = at("2026-05-01");
  world.node_days[0].covered = kDay / 2;
  world.run_pod("w1", "2026-04-01T08:00:00Z");
  const Horizon horizon = world.horizon();

  CHECK(horizon.valid_days == 6);
  CHECK_FALSE(horizon.incomplete);
  CHECK(horizon.reasons.front() ==
        "17 days (2026-05-01 .. 2026-05-17): node w1 was not watched yet");
}

TEST_CASE("what came before the window tells a gap from a beginning", "[horizon]") {
  World world;
  world.window.start = at("2026-05-19");
  world.node_days.erase(world.node_days.begin() + 1);
  const Horizon horizon = world.horizon();

  CHECK(horizon.valid_days == 5);
  CHECK(horizon.incomplete);
}

TEST_CASE("a loss on the day the agent came makes the evidence incomplete", "[horizon]") {
  World world;
  world.node_days[0].covered = kDay / 2;
  world.node_days[0].losses["ring_full"] = 1;

  CHECK(world.horizon().incomplete);
}
