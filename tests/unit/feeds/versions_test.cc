#include "aggregator/feeds/versions.h"

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/feeds/samples.h"

using namespace outflow;
using namespace outflow::feeds;
using namespace outflow::feeds::samples;
using test::has_text;
using test::TempDir;

namespace {

using Days = std::vector<int>;

FeedVersion sample(TimePoint accepted = kMonday) {
  return version(
      range_set("Cloud", {{"192.0.2.0/24", {"S3", "", Direction::ToVendor, true, false}},
                          {"2001:db8::/32", {"", "", Direction::FromVendor, false, true}}}),
      accepted);
}

std::vector<TimePoint> times(const Days& days) {
  std::vector<TimePoint> all;
  for (const int day : days) all.push_back(kMonday + std::chrono::days(day));
  return all;
}

}  // namespace

TEST_CASE("a version is read back from disk as it was written") {
  const TempDir dir;
  const VersionFolder folder(dir / "feeds/Cloud", "Cloud");
  REQUIRE(folder.write(sample(kMonday + std::chrono::days(1))));
  REQUIRE(folder.write(sample(kMonday)));

  const auto read = folder.read();

  CHECK(read.damaged.empty());
  REQUIRE(read.versions.size() == 2);
  CHECK(read.versions[0].accepted == kMonday);
  CHECK(read.versions[0].digest == sample().digest);
  CHECK(read.versions[0].source == sample().source);
  CHECK(read.versions[0].ranges->classes() == sample().ranges->classes());
  CHECK(read.versions[0].ranges->ranges() == sample().ranges->ranges());
  REQUIRE(folder.remove(kMonday));
  CHECK(folder.read().versions.size() == 1);
}

TEST_CASE(
    "a damaged or half-written version is left out and told; a folder that is not there is empty") {
  const TempDir dir;
  const VersionFolder folder(dir / "Cloud", "Cloud");
  CHECK(folder.read().versions.empty());
  REQUIRE(folder.write(sample()));
  std::string path;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "Cloud")) path = entry.path();
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 3);
  std::ofstream(dir / "Cloud/1.ranges.new") << "half";

  const auto read = folder.read();

  CHECK(read.versions.empty());
  REQUIRE(read.damaged.size() == 1);
  CHECK_THAT(read.damaged[0], has_text(path + ": is damaged"));
}

TEST_CASE("a version of one changed byte is not read") {
  const std::string good = encode_version(sample());
  REQUIRE(decode_version(good, "Cloud"));

  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    CHECK_FALSE(decode_version(bad, "Cloud"));
  }
}

TEST_CASE("of ten versions and fewer all are kept that anybody may ask for") {
  const auto week = times({0, 1, 2, 3, 4, 5, 6});

  CHECK(version_to_forget(week, kMonday - std::chrono::days(400), week.back()) == week.size());
  CHECK(version_to_forget(times({0, 100, 200}), kMonday + std::chrono::days(99),
                          kMonday + std::chrono::days(500)) == 3);
  CHECK(version_to_forget(times({0, 100, 200}), kMonday + std::chrono::days(100),
                          kMonday + std::chrono::days(500)) == 0);
  CHECK(version_to_forget(times({0}), kMonday + std::chrono::days(100),
                          kMonday + std::chrono::days(500)) == 1);
}

TEST_CASE(
    "beyond ten the one is forgotten that is missed least, so that recent days stand closer") {
  std::vector<TimePoint> accepted;
  const TimePoint oldest = kMonday - std::chrono::days(400);
  for (int day = 0; day < 300; ++day) {
    accepted.push_back(kMonday + std::chrono::days(day));
    const std::size_t forget = version_to_forget(accepted, oldest, accepted.back());
    if (forget == accepted.size()) continue;
    CHECK(forget + 1 < accepted.size());
    accepted.erase(accepted.begin() + static_cast<std::ptrdiff_t>(forget));
  }

  REQUIRE(accepted.size() == kVersionsMax);
  CHECK(accepted.front() == kMonday);
  CHECK(accepted.back() - accepted[8] <= std::chrono::days(2));
  CHECK(accepted[2] - accepted[1] > accepted[9] - accepted[8]);
  CHECK(accepted.back() - accepted[1] > std::chrono::days(60));
}

TEST_CASE("a digest is that of sha256sum") {
  CHECK(sha256_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
