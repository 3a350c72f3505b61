#include "aggregator/keeper.h"

#include "common/text.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace outflow;
using namespace std::chrono_literals;

namespace {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return time; }
  TimePoint time = *parse_time("2026-05-18T18:00:00Z");
};

// A store, an inventory and the keeper between them.
struct Kept {
  test::TempDir dir;
  FixedClock clock;
  std::unique_ptr<store::Store> store =
      std::move(*store::Store::open(dir.path(), std::chrono::days(10)));
  inventory::Current inventory;
  Keeper keeper{*store, inventory, clock};
  Keeper::Moment now = Keeper::Moment() + 1h;
  std::uint64_t sequence = 0;
  std::size_t inventories = 0;

  // A flow of web/web-1 that nobody could name when it came.
  void add_unknown(TimePoint time) {
    store::Addition addition;
    addition.mark.node = "k8s-w1";
    addition.mark.sequence = ++sequence;
    addition.mark.last_end = time;
    addition.interval = {time - 1s, time};
    store::History history;
    history.day = day_of(time);
    history.raw.node = "k8s-w1";
    history.raw.interface_name = inventory::calico_interface_name("web", "web-1");
    history.raw.port = static_cast<std::uint16_t>(sequence);
    history.stats.packets = 1;
    addition.histories = {history};
    REQUIRE(store->add(addition));
  }

  void set_inventory() {
    inventory::Model model;
    inventory::Pod pod;
    pod.namespace_name = "web";
    pod.name = "web-1";
    model.pods = {pod};
    model.pods.resize(1 + ++inventories);  // another one each time
    inventory.set(std::make_shared<const inventory::Snapshot>(std::move(model), clock.now()));
  }
};

}  // namespace

TEST_CASE("the first inventory is tried on all days, later ones on today and two days before",
          "[keeper]") {
  Kept kept;
  const auto add_three = [&] {
    kept.add_unknown(kept.clock.time);
    kept.add_unknown(kept.clock.time - 48h);
    kept.add_unknown(kept.clock.time - 72h);
  };
  add_three();
  kept.keeper.step(kept.now);
  CHECK(kept.keeper.judged_again() == 0);

  kept.set_inventory();
  kept.keeper.step(kept.now + 30s);
  CHECK(kept.keeper.judged_again() == 3);

  add_three();
  kept.set_inventory();
  kept.keeper.step(kept.now + 60s);
  CHECK(kept.keeper.judged_again() == 5);
}

TEST_CASE("what was being attributed while the inventory changed is caught ten seconds later",
          "[keeper]") {
  Kept kept;
  kept.set_inventory();
  kept.keeper.step(kept.now);
  kept.add_unknown(kept.clock.time);  // by the inventory before

  kept.keeper.step(kept.now + 1s);
  CHECK(kept.keeper.judged_again() == 0);
  kept.keeper.step(kept.now + 11s);
  CHECK(kept.keeper.judged_again() == 1);
}

TEST_CASE("an inventory that does not change is looked at twice, not for ever", "[keeper]") {
  Kept kept;
  kept.set_inventory();
  kept.keeper.step(kept.now);
  kept.keeper.step(kept.now + 11s);
  kept.add_unknown(kept.clock.time);

  kept.keeper.step(kept.now + 60s);
  CHECK(kept.keeper.judged_again() == 0);
}

TEST_CASE("old days are deleted at the start and every hour", "[keeper]") {
  Kept kept;
  kept.add_unknown(kept.clock.time - 24h * 11);
  kept.keeper.step(kept.now);
  CHECK(kept.keeper.expired() == 1);

  kept.add_unknown(kept.clock.time - 24h * 11);
  kept.keeper.step(kept.now + 59min);
  CHECK(kept.keeper.expired() == 1);
  kept.keeper.step(kept.now + 61min);
  CHECK(kept.keeper.expired() == 2);
}
