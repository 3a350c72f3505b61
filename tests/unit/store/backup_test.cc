// A backup is the whole store of one moment, and a restore puts all of it in place or nothing.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "aggregator/store/backup_stream.h"
#include "aggregator/store/maintenance.h"
#include "aggregator/store/record.h"
#include "aggregator/store/store.h"
#include "aggregator/store/swap.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/samples.h"

using namespace outflow;
using namespace outflow::store;
using outflow::test::has_text;

namespace {

constexpr nanoseconds kRetention = std::chrono::days(400);

std::unique_ptr<Store> filled(const std::string& directory) {
  auto store = Store::open(directory, kRetention);
  REQUIRE(store);
  REQUIRE((*store)->add(batch(1, {record("web"), record("web", 80), record("shop")})));
  REQUIRE((*store)->add(batch(2, {record("web")})));
  return std::move(*store);
}

std::string backup_of(const Store& store) {
  std::string bytes;
  REQUIRE(store.backup(at(kNoon), [&bytes](std::string_view part) {
    bytes += part;
    return true;
  }));
  return bytes;
}

std::string write(const test::TempDir& dir, const std::string& bytes) {
  std::ofstream(dir / "backup", std::ios::binary) << bytes;
  return dir / "backup";
}

std::string restore_error(const std::string& file, const std::string& directory) {
  const auto restored = restore(file, directory);
  REQUIRE_FALSE(restored);
  return restored.error().what;
}

}  // namespace

TEST_CASE("what was backed up is there after the restore, sequences of agents too", "[backup]") {
  const test::TempDir dir;
  std::vector<std::uint64_t> packets;
  std::string file;
  {
    const auto store = filled(dir / "a");
    for (const auto& history : all(*store)) packets.push_back(history.stats.packets);
    file = write(dir, backup_of(*store));
  }

  const auto restored = restore(file, dir / "b");
  REQUIRE(restored);
  CHECK(restored->head.format == kFormat);
  CHECK(restored->head.taken == at(kNoon));
  const auto store = Store::open(dir / "b", kRetention);
  REQUIRE(store);
  std::vector<std::uint64_t> again;
  for (const auto& history : all(**store)) again.push_back(history.stats.packets);
  CHECK(again == packets);
  CHECK((*store)->add(batch(2, {record("web")})).value() == Merge::Repeated);
  CHECK((*store)->marks()->size() == 1);
}

TEST_CASE("what is written while a backup runs is not in it", "[backup]") {
  const test::TempDir dir;
  const auto store = filled(dir / "a");
  std::string bytes;
  REQUIRE(store->backup(at(kNoon), [&](std::string_view part) {
    if (bytes.empty()) REQUIRE(store->add(batch(3, {record("later")})));
    bytes += part;
    return true;
  }));
  REQUIRE(restore(write(dir, bytes), dir / "b"));

  CHECK(all(*store, "later").size() == 1);
  CHECK(all(**Store::open(dir / "b", kRetention), "later").empty());
}

TEST_CASE("nobody who wants the rest ends a backup with an error", "[backup]") {
  const test::TempDir dir;
  const auto store = filled(dir / "a");

  CHECK_FALSE(store->backup(at(kNoon), [](std::string_view) { return false; }));
}

TEST_CASE("a backup that is cut anywhere is refused, and nothing is put in place", "[backup]") {
  const test::TempDir dir;
  const std::string whole = backup_of(*filled(dir / "a"));
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    const std::string error = restore_error(write(dir, whole.substr(0, size)), dir / "b");
    CHECK_THAT(error, has_text("backup"));
    CHECK_FALSE(std::filesystem::exists(dir / "b"));
  }
}

TEST_CASE("a backup with one changed byte is refused, wherever it is", "[backup]") {
  const test::TempDir dir;
  const std::string whole = backup_of(*filled(dir / "a"));
  for (std::size_t at_byte = 0; at_byte < whole.size(); at_byte += 3) {
    std::string damaged = whole;
    damaged[at_byte] = static_cast<char>(damaged[at_byte] ^ 0x10);
    CHECK_FALSE(restore(write(dir, damaged), dir / "b"));
  }
  CHECK_FALSE(std::filesystem::exists(dir / "b"));
}

TEST_CASE("damage is told with the byte it stands behind", "[backup]") {
  const test::TempDir dir;
  std::string bytes = backup_of(*filled(dir / "a"));
  bytes[kBackupMagic.size() + 12] ^= 1;

  CHECK_THAT(restore_error(write(dir, bytes), dir / "b"),
             has_text("damaged behind byte 17: the checksum does not match"));
}

TEST_CASE("bytes after the end of a backup are refused", "[backup]") {
  const test::TempDir dir;
  const std::string bytes = backup_of(*filled(dir / "a"));

  CHECK_THAT(restore_error(write(dir, bytes + "x"), dir / "b"), has_text("bytes follow its end"));
}

TEST_CASE("parts in another order are refused", "[backup]") {
  std::string first;
  std::string second;
  int parts = 0;
  BackupWriter writer([&](std::string_view part) {
    // magic, head, two parts with records, end
    (parts == 2 ? first : parts == 3 ? second : first.empty() ? first : second) += part;
    ++parts;
    return true;
  });
  REQUIRE(writer.begin({"f", "p", at(kNoon)}));
  const std::string head = first;
  first.clear();
  const std::string large(kBackupFrameBytes, 'x');
  REQUIRE(writer.add("a", large));
  REQUIRE(writer.add("b", large));

  std::istringstream in(head + second + first);
  BackupReader reader(in);
  REQUIRE(reader.head());
  std::string_view key;
  std::string_view value;
  const auto next = reader.next(key, value);
  REQUIRE_FALSE(next);
  CHECK_THAT(next.error().what, has_text("part 2 where 1 belongs"));
}

TEST_CASE("a backup of another format is refused, naming the program for it", "[backup]") {
  const test::TempDir dir;
  std::string bytes;
  BackupWriter writer([&bytes](std::string_view part) {
    bytes += part;
    return true;
  });
  REQUIRE(writer.begin({"outflow-store/9", "9.0.0", at(kNoon)}));
  REQUIRE(writer.add("V", "outflow-store/9"));
  REQUIRE(writer.end());

  CHECK_THAT(restore_error(write(dir, bytes), dir / "b"),
             has_text("outflow-store/9") && has_text("outflow-aggregator 9.0.0"));
}

TEST_CASE("a folder that is not empty is not restored into", "[backup]") {
  const test::TempDir dir;
  const std::string file = write(dir, backup_of(*filled(dir / "a")));
  std::filesystem::create_directories(dir / "b");
  std::ofstream(dir / "b/mine") << "x";

  CHECK_THAT(restore_error(file, dir / "b"), has_text("is not empty ('mine')"));
  CHECK_THAT(restore_error(file, dir / "a"), has_text("is not empty"));
  CHECK(std::filesystem::exists(dir / "b/mine"));
}

TEST_CASE("the root of a fresh volume is an empty folder", "[backup]") {
  const test::TempDir dir;
  const std::string file = write(dir, backup_of(*filled(dir / "a")));
  std::filesystem::create_directories(dir / "b/lost+found");

  CHECK(restore(file, dir / "b"));
}

TEST_CASE("a restore that was cut short is refused at open and done by the next one", "[backup]") {
  const test::TempDir dir;
  const std::string file = write(dir, backup_of(*filled(dir / "a")));
  REQUIRE(restore(file, dir / "b"));
  // As a kill before the last rename leaves it.
  std::filesystem::create_directories(dir / "b/.restoring");
  std::filesystem::rename(dir / "b/CURRENT", dir / "b/.restoring/CURRENT");

  const auto refused = Store::open(dir / "b", kRetention);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().what, has_text("restore FILE --data-dir " + dir / "b"));
  REQUIRE(restore(file, dir / "b"));
  CHECK(all(**Store::open(dir / "b", kRetention)).size() == 3);
}
