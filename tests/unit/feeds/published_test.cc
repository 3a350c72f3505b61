// The lists as vendors publish them, where a folder of them is given: OUTFLOW_FEED_SAMPLES.
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "aggregator/feeds/load.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/unit/feeds/samples.h"

using namespace outflow;
using namespace outflow::feeds;
using namespace outflow::feeds::samples;

namespace {

struct Published {
  std::string feed;
  Format format;
  std::vector<std::string> files;
  std::size_t least;  // prefixes
};

const std::vector<Published> kPublished{
    {"AWS", Format::Aws, {"aws-ip-ranges.json"}, 8'000},
    {"GoogleCloud", Format::Google, {"google-cloud-ip-ranges.json"}, 700},
    {"Oracle", Format::Oracle, {"oracle-cloud-ip-ranges.json"}, 900},
    {"GitHub", Format::Github, {"github-ip-ranges.json"}, 5'900},
    {"Cloudflare",
     Format::Cloudflare,
     {"cloudflare-v4-ip-ranges.txt", "cloudflare-v6-ip-ranges.txt"},
     22},
    {"Fastly", Format::Fastly, {"fastly-ip-ranges.json"}, 21},
    {"DigitalOcean", Format::Geofeed, {"digitalocean.csv"}, 900},
};

// nullopt when there is no such folder.
std::optional<RangeTable> published() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets it
  const char* const folder = std::getenv("OUTFLOW_FEED_SAMPLES");
  if (folder == nullptr || !std::filesystem::is_directory(folder)) return std::nullopt;
  std::vector<FeedHistory> feeds;
  for (const Published& one : kPublished) {
    std::vector<SourceText> texts;
    for (const std::string& file : one.files) {
      texts.push_back({file, *read_file(std::string(folder) + "/" + file, std::size_t{64} << 20U)});
    }
    auto loaded = load(one.format, texts, {});
    INFO(one.feed << (loaded ? "" : loaded.error().what));
    REQUIRE(loaded);
    CHECK(loaded->ranges.size() >= one.least);
    for (const auto& [refusal, refused] : loaded->refused) {
      INFO(to_text(refusal) << " " << refused.count << " " << refused.first);
      CHECK(refusal == Refusal::Duplicate);
    }
    feeds.push_back(
        {{version(std::make_shared<const RangeSet>(one.feed, loaded->classes, loaded->ranges))},
         false});
  }
  return RangeTable(std::move(feeds));
}

}  // namespace

TEST_CASE("the published lists class what is known of them") {
  const auto table = published();
  if (!table) {
    std::cout << "SKIP: OUTFLOW_FEED_SAMPLES names no folder\n";
    return;
  }
  const auto text = [&](std::string_view at) {
    return std::string(table->class_of(address(at), kMonday));
  };

  CHECK(text("99.83.136.103") == "AWS/GLOBALACCELERATOR/GLOBAL");
  CHECK(text("52.218.0.1") == "AWS/S3/eu-west-1");
  CHECK(text("140.82.121.4") == "GitHub/web");
  CHECK(text("104.16.132.229") == "Cloudflare");
  CHECK(text("151.101.1.6") == "Fastly");
  CHECK(text("34.80.0.1") == "GoogleCloud/Google-Cloud/asia-east1");
  CHECK(text("129.80.0.1") == "Oracle/OCI/us-ashburn-1");
  CHECK(text("5.101.96.1") == "DigitalOcean/NL-NH");
  CHECK(table->find(address("99.83.136.103"), kMonday)->shared);
}
