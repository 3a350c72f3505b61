#include "aggregator/inventory/file_feed.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/kube.h"
#include "tests/support/temp_dir.h"

namespace outflow::inventory {
namespace {

using test::list;
using test::pod;

class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  void set(TimePoint now) { now_ = now; }

 private:
  TimePoint now_ = from_unix_ns(0);
};

constexpr std::int64_t kSecond = 1'000'000'000;

// A file whose time of change is set by hand.
class InventoryFile {
 public:
  [[nodiscard]] std::string path() const { return folder_ / "inventory.json"; }

  void write(const std::string& text, std::int64_t changed_s) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << text;
    touch(changed_s);
  }
  void touch(std::int64_t changed_s) const {
    const timespec times[2] = {{changed_s, 0}, {changed_s, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path().c_str(), times, 0) == 0);
  }
  void remove() const { std::filesystem::remove_all(path()); }

 private:
  test::TempDir folder_;
};

struct Feeding {
  InventoryFile file;
  HandClock clock;
  Current current;
  FileFeed feed{file.path(), clock};

  Feeding() { clock.set(from_unix_ns(1000 * kSecond)); }
  // "new", "same", or the error.
  std::string poll() {
    const auto polled = feed.poll(current);
    if (!polled) return polled.error().what;
    return *polled ? "new" : "same";
  }
  std::string pod_name() {
    const auto snapshot = current.view().snapshot;
    return snapshot->pods().empty() ? "" : snapshot->pods()[0]->name;
  }
};

const std::string kOne = list({pod("web", "one", "10.1.0.1")});
const std::string kTwo = list({pod("web", "two", "10.1.0.1")});  // of the same length

TEST_CASE("a file is read once and again when it changes", "[file_feed]") {
  Feeding feeding;
  feeding.file.write(kOne, 100);

  CHECK(feeding.poll() == "new");
  CHECK(feeding.pod_name() == "one");
  CHECK(unix_ns(feeding.current.view().snapshot->as_of()) == 100 * kSecond);
  CHECK_FALSE(feeding.current.view().stale);
  CHECK(feeding.poll() == "same");
  feeding.file.write(kTwo, 200);
  CHECK(feeding.poll() == "new");
  CHECK(feeding.pod_name() == "two");
  CHECK(unix_ns(feeding.current.view().snapshot->as_of()) == 200 * kSecond);
}

TEST_CASE("the same objects written again are as new as their file", "[file_feed]") {
  Feeding feeding;
  feeding.file.write(kOne, 100);
  REQUIRE(feeding.poll() == "new");

  feeding.file.write(kOne, 900);

  CHECK(feeding.poll() == "new");
  CHECK(unix_ns(feeding.current.view().snapshot->as_of()) == 900 * kSecond);
}

TEST_CASE("a file replaced by another of the same time and size is read", "[file_feed]") {
  Feeding feeding;
  feeding.file.write(kOne, 100);
  REQUIRE(feeding.poll() == "new");

  std::filesystem::rename(feeding.file.path(), feeding.file.path() + ".old");
  feeding.file.write(kTwo, 100);

  CHECK(feeding.poll() == "new");
  CHECK(feeding.pod_name() == "two");
}

TEST_CASE("two writes within one tick of a coarse file clock are both seen", "[file_feed]") {
  Feeding feeding;
  feeding.file.write(kOne, 999);
  REQUIRE(feeding.poll() == "new");
  CHECK(feeding.poll() == "same");

  feeding.file.write(kTwo, 999);

  CHECK(feeding.poll() == "new");
  CHECK(feeding.pod_name() == "two");
}

TEST_CASE("a half-written file keeps the last good inventory and says why, until it is whole",
          "[file_feed]") {
  Feeding feeding;
  feeding.file.write(kOne, 100);
  REQUIRE(feeding.poll() == "new");

  feeding.file.write(kTwo.substr(0, kTwo.size() / 2), 200);
  const std::string error = feeding.poll();
  const View view = feeding.current.view();

  CHECK_THAT(error, Catch::Matchers::StartsWith(feeding.file.path() + ": "));
  CHECK(view.error == error);
  CHECK(view.stale);
  CHECK(feeding.pod_name() == "one");
  CHECK(feeding.poll() == error);

  feeding.file.write(kTwo, 300);
  CHECK(feeding.poll() == "new");
  CHECK_FALSE(feeding.current.view().stale);
  CHECK(feeding.pod_name() == "two");
}

TEST_CASE("a good file that returns after a bad one is good again", "[file_feed]") {
  Feeding feeding;
  feeding.file.write(kOne, 100);
  REQUIRE(feeding.poll() == "new");
  feeding.file.write("{", 200);
  feeding.poll();

  feeding.file.write(kOne, 100);

  CHECK(feeding.poll() == "new");
  CHECK_FALSE(feeding.current.view().stale);
}

TEST_CASE("a missing file is named, and read when it comes", "[file_feed]") {
  Feeding feeding;
  CHECK(feeding.poll() == feeding.file.path() + ": No such file or directory");
  CHECK(feeding.current.view().stale);

  feeding.file.write(kOne, 100);
  CHECK(feeding.poll() == "new");

  feeding.file.remove();
  CHECK(feeding.poll() == feeding.file.path() + ": No such file or directory");
  CHECK(feeding.pod_name() == "one");

  feeding.file.write(kOne, 100);
  CHECK(feeding.poll() == "new");
  CHECK_FALSE(feeding.current.view().stale);
}

TEST_CASE("what is no file is refused and holds nobody up", "[file_feed]") {
  Feeding feeding;
  std::filesystem::create_directory(feeding.file.path());
  CHECK(feeding.poll() == feeding.file.path() + ": not a regular file");

  feeding.file.remove();
  REQUIRE(::mkfifo(feeding.file.path().c_str(), 0600) == 0);
  CHECK(feeding.poll() == feeding.file.path() + ": not a regular file");
}

}  // namespace
}  // namespace outflow::inventory
