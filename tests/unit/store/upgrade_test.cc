// A store of the format before becomes one of today's, whenever the upgrade is cut short.
#include <filesystem>

#include "aggregator/store/maintenance.h"
#include "aggregator/store/record.h"
#include "aggregator/store/record_v1.h"
#include "aggregator/store/store.h"
#include "aggregator/store/swap.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/samples.h"
#include "tests/unit/store/samples_v1.h"

using namespace outflow;
using namespace outflow::store;
using outflow::test::has_text;

namespace {

constexpr nanoseconds kRetention = std::chrono::days(400);

// web twice, to a workload and then to nobody known; shop once; and a mark.
void make_v1(const std::string& directory, const char* format = "outflow-store/1") {
  const auto db = raw_v1(directory);
  REQUIRE(db->Put({}, format_key(), format).ok());
  const History known = record_to(attribution::PeerKind::Workload, "dbaas", "mysql");
  const History unknown = record_to(attribution::PeerKind::Unknown, "", "");
  for (const History& history : {known, unknown, record("shop")}) {
    REQUIRE(db->Merge({}, key_v1(history), value_v1(history)).ok());
  }
  const BootMark mark{"k8s-w1", boot(1), 7, at(kNoon)};
  REQUIRE(db->Put({}, boot_key(mark.node, mark.boot), boot_value(mark)).ok());
}

void check_upgraded(const std::string& directory) {
  const auto store = Store::open(directory, kRetention);
  if (!store) FAIL(store.error().what);
  const auto web = all(**store, "web");
  REQUIRE(web.size() == 1);
  CHECK(web.front().stats.packets == 2);
  CHECK(web.front().peer.name == "mysql");
  CHECK(all(**store, "shop").size() == 1);
  CHECK((*store)->add(batch(7)).value() == Merge::Repeated);
  for (const char* folder : {kUpgradingDir, kBeforeDir}) {
    CHECK_FALSE(std::filesystem::exists(directory + "/" + folder));
  }
}

}  // namespace

TEST_CASE("a store of the format before has the same evidence after the upgrade", "[upgrade]") {
  const test::TempDir dir;
  make_v1(dir / "s");

  const auto upgraded = upgrade(dir / "s");
  if (!upgraded) FAIL(upgraded.error().what);
  CHECK(upgraded->from == kFormatV1);
  CHECK(upgraded->records == 3);
  check_upgraded(dir / "s");
}

TEST_CASE("a store of the format before is refused with the command to run", "[upgrade]") {
  const test::TempDir dir;
  make_v1(dir / "s");

  const auto store = Store::open(dir / "s", kRetention);
  REQUIRE_FALSE(store);
  CHECK_THAT(store.error().what, has_text("outflow-aggregator upgrade --data-dir " + dir / "s"));
}

TEST_CASE("an upgrade of today's format does nothing", "[upgrade]") {
  const test::TempDir dir;
  { REQUIRE((*Store::open(dir / "s", kRetention))->add(batch(1, {record("web")}))); }

  const auto upgraded = upgrade(dir / "s");
  REQUIRE(upgraded);
  CHECK(upgraded->from == kFormat);
  CHECK(all(**Store::open(dir / "s", kRetention)).size() == 1);
}

TEST_CASE("an upgrade begins anew when it was cut short while it wrote", "[upgrade]") {
  const test::TempDir dir;
  make_v1(dir / "s");
  { const auto half = raw_v1(dir / "s/.upgrading"); }  // not marked as whole

  REQUIRE(upgrade(dir / "s"));
  check_upgraded(dir / "s");
}

TEST_CASE("an upgrade goes on at any of its renames", "[upgrade]") {
  const test::TempDir dir;
  make_v1(dir / "old");
  std::filesystem::copy(dir / "old", dir / "new");
  REQUIRE(upgrade(dir / "new"));
  const auto old_files = *database_files(dir / "old");
  const auto new_files = *database_files(dir / "new");
  // After so many renames the program was killed: old files away, a mark, new files in.
  for (std::size_t renames = 0; renames <= old_files.size() + new_files.size(); ++renames) {
    const std::string here = dir / ("s" + std::to_string(renames));
    std::filesystem::create_directories(here + "/.upgrading");
    std::filesystem::create_directories(here + "/.before-upgrade");
    REQUIRE(mark_whole(here + "/.upgrading"));
    for (std::size_t n = 0; n < old_files.size(); ++n) {
      std::filesystem::copy(dir / "old/" + old_files[n],
                            here + (n < renames ? "/.before-upgrade/" : "/") + old_files[n]);
    }
    if (renames > old_files.size()) REQUIRE(mark_whole(here + "/.before-upgrade"));
    for (std::size_t n = 0; n < new_files.size(); ++n) {
      const bool moved = old_files.size() + n < renames;
      std::filesystem::copy(dir / "new/" + new_files[n],
                            here + (moved ? "/" : "/.upgrading/") + new_files[n]);
    }
    const auto early = Store::open(here, kRetention);
    REQUIRE_FALSE(early);
    CHECK_THAT(early.error().what, has_text("outflow-aggregator upgrade"));

    const auto upgraded = upgrade(here);
    if (!upgraded) FAIL(upgraded.error().what);
    check_upgraded(here);
  }
}

TEST_CASE("an upgrade stops at a record it cannot read and leaves the old store", "[upgrade]") {
  const test::TempDir dir;
  make_v1(dir / "s");
  REQUIRE(raw_v1(dir / "s")->Put({}, key_v1(record("web", 80)), "x").ok());

  const auto upgraded = upgrade(dir / "s");
  REQUIRE_FALSE(upgraded);
  CHECK_THAT(upgraded.error().what, has_text("cannot be read"));
  std::string format;
  REQUIRE(raw_v1(dir / "s")->Get({}, format_key(), &format).ok());
  CHECK(format == kFormatV1);
}

TEST_CASE("what no upgrade is known for is named", "[upgrade]") {
  const test::TempDir dir;
  make_v1(dir / "s", "outflow-store/9");

  CHECK_THAT(upgrade(dir / "s").error().what, has_text("outflow-store/9"));
  CHECK_THAT(upgrade(dir / "nowhere").error().what, has_text("there is no store"));
}

TEST_CASE("a store that is open is not upgraded", "[upgrade]") {
  const test::TempDir dir;
  const auto store = Store::open(dir / "s", kRetention);
  REQUIRE(store);

  CHECK_THAT(upgrade(dir / "s").error().what, has_text("another process has it open"));
}
