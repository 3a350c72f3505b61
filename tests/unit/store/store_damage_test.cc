// A store that is foreign, of another version, locked, unwritable or damaged.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <rocksdb/db.h>

#include "aggregator/store/merge.h"
#include "aggregator/store/record.h"
#include "aggregator/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/samples.h"

using namespace outflow;
using namespace outflow::store;
using outflow::test::has_text;

namespace {

constexpr nanoseconds kRetention = std::chrono::days(400);

std::string open_error(const std::string& directory) {
  const auto store = Store::open(directory, kRetention);
  REQUIRE_FALSE(store);
  return store.error().what;
}

// Opens past the store's back, as damage or another program would.
std::unique_ptr<rocksdb::DB> raw(
    const std::string& directory,
    std::shared_ptr<rocksdb::MergeOperator> merge_operator = make_merge_operator()) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.merge_operator = std::move(merge_operator);
  rocksdb::DB* opened = nullptr;
  REQUIRE(rocksdb::DB::Open(options, directory, &opened).ok());
  return std::unique_ptr<rocksdb::DB>(opened);
}

void put(const std::string& directory, const std::string& key, const std::string& value) {
  REQUIRE(raw(directory)->Put({}, key, value).ok());
}

// Another way to merge values than ours.
class Append final : public rocksdb::AssociativeMergeOperator {
 public:
  bool Merge(const rocksdb::Slice&, const rocksdb::Slice* existing, const rocksdb::Slice& value,
             std::string* merged, rocksdb::Logger*) const override {
    *merged = (existing == nullptr ? "" : existing->ToString() + ",") + value.ToString();
    return true;
  }
  [[nodiscard]] const char* Name() const override { return "append"; }
};

}  // namespace

TEST_CASE("a store of another format is refused, naming both", "[store]") {
  const test::TempDir dir;
  put(dir.path(), format_key(), "outflow-store/9");

  CHECK_THAT(open_error(dir.path()), has_text("outflow-store/9") && has_text(std::string(kFormat)));
}

TEST_CASE("a store of an older format is refused as it is, naming its folder", "[store]") {
  const test::TempDir dir;
  {
    const auto db = raw(dir.path(), std::make_shared<Append>());
    REQUIRE(db->Put({}, format_key(), "outflow-store/1").ok());
    for (const char* value : {"one", "two"}) REQUIRE(db->Merge({}, "key", value).ok());
  }

  CHECK_THAT(open_error(dir.path()), has_text(dir.path()) && has_text("outflow-store/1"));
  std::string value;
  REQUIRE(raw(dir.path(), std::make_shared<Append>())->Get({}, "key", &value).ok());
  CHECK(value == "one,two");
}

TEST_CASE("a database of another program is refused and left alone", "[store]") {
  const test::TempDir dir;
  put(dir.path(), "key", "value");

  CHECK_THAT(open_error(dir.path()), has_text("not Outflow's"));
}

TEST_CASE("a store that is open cannot be opened again", "[store]") {
  const test::TempDir dir;
  const auto store = Store::open(dir.path(), kRetention);
  REQUIRE(store);

  CHECK_THAT(open_error(dir.path()), has_text("another process has it open"));
}

TEST_CASE("a folder that cannot be made is an error naming it", "[store]") {
  const test::TempDir dir;
  std::ofstream(dir / "file") << "x";

  CHECK_THAT(open_error(dir / "file/store"), has_text(dir / "file/store"));
}

TEST_CASE("a folder that is missing is made, for its owner alone", "[store]") {
  const test::TempDir dir;
  REQUIRE(Store::open(dir / "a/b", kRetention));

  struct stat info {};
  REQUIRE(::stat((dir / "a/b").c_str(), &info) == 0);
  CHECK((info.st_mode & 077U) == 0);
}

TEST_CASE("a damaged value is an error naming the key, and stays one after a merge", "[store]") {
  const test::TempDir dir;
  {
    const auto store = Store::open(dir.path(), kRetention);
    REQUIRE((*store)->add(batch(1, {record("web"), record("other")})));
  }
  put(dir.path(), flow_key(record("web")), "\x01\x02");
  const auto store = Store::open(dir.path(), kRetention);
  REQUIRE(store);
  REQUIRE((*store)->add(batch(2, {record("web"), record("web")})));

  const auto scanned =
      (*store)->scan("web", day(kNoon), day(kNoon), [](const History&) { return true; });
  REQUIRE_FALSE(scanned);
  CHECK_THAT(scanned.error().what, has_text("flow of 'web' on 2026-05-18"));
  CHECK(all(**store, "other").size() == 1);
}

TEST_CASE("a damaged mark is an error, not a second merge", "[store]") {
  const test::TempDir dir;
  { REQUIRE(Store::open(dir.path(), kRetention)); }
  put(dir.path(), boot_key("k8s-w1", boot(1)), "");
  const auto store = Store::open(dir.path(), kRetention);

  CHECK_FALSE((*store)->add(batch(1, {record("web")})));
  CHECK(all(**store).empty());
}

TEST_CASE("keys that are none of ours are errors, not crashes", "[store]") {
  const test::TempDir dir;
  { REQUIRE(Store::open(dir.path(), kRetention)); }
  for (const char* key : {"F", "Fx", "N12", "P1234", "Mx", "Ax"}) put(dir.path(), key, "x");
  const auto store = Store::open(dir.path(), kRetention);
  REQUIRE(store);

  CHECK_FALSE((*store)->scan(std::nullopt, Day(), day(kNoon), [](const History&) { return true; }));
  CHECK_FALSE((*store)->marks());
  CHECK_FALSE((*store)->expire(at(kNoon)));
  CHECK_FALSE((*store)->first_day());
}

TEST_CASE("RocksDB's own log stays small", "[store]") {
  const test::TempDir dir;
  for (int n = 0; n < 5; ++n) REQUIRE(Store::open(dir.path(), kRetention));

  int logs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    logs += entry.path().filename().string().starts_with("LOG") ? 1 : 0;
  }
  CHECK(logs <= 3);  // the lock-free two and the one being written
}
