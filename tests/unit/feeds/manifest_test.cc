#include "aggregator/feeds/manifest.h"

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::feeds;
using test::has_text;

namespace {

std::string error_of(const std::string& text) {
  const auto manifest = read_manifest(text, "/etc/feeds.yaml");
  REQUIRE_FALSE(manifest);
  return manifest.error().what;
}

// A feed with one more line.
std::string feed_with(const std::string& line) {
  return "feeds:\n- name: AWS\n  format: aws\n  file: aws.json\n  " + line + "\n";
}

}  // namespace

TEST_CASE("a manifest names feeds with all that is told of them, and own classes") {
  const std::string digest(64, 'A');
  const auto manifest = read_manifest(
      "feeds:\n"
      "- {name: AWS, format: aws, url: 'https://a.example/x.json', every: 6h, sha256: " +
          digest +
          "}\n"
          "- name: Cloudflare\n"
          "  format: cloudflare\n"
          "  files: [v4.txt, /srv/v6.txt]\n"
          "  direction: from-vendor\n"
          "  shared: true\n"
          "classes:\n"
          "- name: home-lan\n"
          "  nets: [192.168.178.0/24, 'fd00::/8', 198.51.100.7]\n",
      "/etc/outflow/feeds.yaml");

  INFO((manifest ? "" : manifest.error().what));
  REQUIRE(manifest);
  REQUIRE(manifest->feeds.size() == 2);
  const FeedSpec& aws = manifest->feeds[0];
  CHECK(aws.name == "AWS");
  CHECK(aws.format == Format::Aws);
  CHECK(aws.is_url);
  CHECK(aws.every == std::chrono::hours(6));
  CHECK(aws.sha256 == std::string(64, 'a'));
  CHECK_FALSE(aws.told.direction);
  const FeedSpec& cloudflare = manifest->feeds[1];
  CHECK(cloudflare.sources_text() == "/etc/outflow/v4.txt /srv/v6.txt");
  CHECK_FALSE(cloudflare.is_url);
  CHECK(cloudflare.every == std::chrono::hours(24));
  CHECK(cloudflare.told.direction == Direction::FromVendor);
  CHECK(cloudflare.told.shared);
  REQUIRE(manifest->classes.size() == 1);
  CHECK(manifest->classes[0].nets.size() == 3);
}

TEST_CASE("an empty manifest is one without feeds") {
  CHECK(read_manifest("", "m"));
  CHECK(read_manifest("feeds:\nclasses: []\n", "m")->feeds.empty());
}

TEST_CASE("what a manifest cannot mean is refused with file, line and place") {
  CHECK_THAT(error_of("feed: []\n"), has_text("/etc/feeds.yaml:1: nobody knows the key 'feed'"));
  CHECK_THAT(error_of(feed_with("formt: aws")),
             has_text("/etc/feeds.yaml:5: feeds[0]: nobody knows the key 'formt'"));
  CHECK_THAT(error_of(feed_with("format: aws")), has_text("has 'format' twice"));
  CHECK_THAT(error_of(feed_with("url: https://a.example")),
             has_text("needs one of file, files, url, urls"));
  CHECK_THAT(error_of(feed_with("every: 1h")), has_text("feeds[0].every: is for URLs alone"));
  CHECK_THAT(error_of(feed_with("sha256: 12")), has_text("feeds[0].sha256: is no SHA-256"));
  CHECK_THAT(error_of(feed_with("direction: up")), has_text("feeds[0].direction: 'up' is neither"));
  CHECK_THAT(error_of(feed_with("shared: maybe")), has_text("is neither true nor false"));
  CHECK_THAT(error_of("feeds: [{name: a/b, format: aws, file: x}]"), has_text("'a/b' is no name"));
  CHECK_THAT(error_of("feeds: [{name: ..., format: aws, file: x}]"), has_text("is no name"));
  CHECK_THAT(error_of("feeds: [{name: a, format: gcp, file: x}]"),
             has_text("feeds[0].format: 'gcp' is not one of aws, google"));
  CHECK_THAT(error_of("feeds: [{name: a, format: aws, file: x}, {name: a, format: aws, file: y}]"),
             has_text("feeds[1].name: 'a' is there already"));
  CHECK_THAT(
      error_of(
          "feeds: [{name: a, format: aws, file: x}]\nclasses: [{name: a, nets: [10.0.0.0/8]}]"),
      has_text("'a' is there already"));
  CHECK_THAT(error_of("feeds: {}"), has_text("feeds: is no list"));
  CHECK_THAT(error_of("feeds: [7]"), has_text("feeds[0]: is no map"));
  CHECK_THAT(error_of("feeds: ["), has_text("/etc/feeds.yaml:"));
  CHECK_THAT(error_of(std::string(kManifestBytesMax + 1, '#')), has_text("is more than"));
}

TEST_CASE("a URL is https, or http to a loopback address, and has no credentials in it") {
  const auto with = [](const std::string& url) {
    return read_manifest("feeds: [{name: a, format: aws, url: '" + url + "'}]", "m").has_value();
  };

  CHECK(with("https://ip-ranges.example/x.json"));
  CHECK(with("http://127.0.0.1:8080/x.json"));
  CHECK(with("http://[::1]:8080/x.json"));
  CHECK(with("http://localhost/x.json"));
  CHECK_FALSE(with("http://ip-ranges.example/x.json"));
  CHECK_FALSE(with("http://127.0.0.1.example/x.json"));
  CHECK_FALSE(with("https://user:secret@ip-ranges.example/x.json"));
  CHECK_FALSE(with("file:///etc/passwd"));
  CHECK_FALSE(with("ip-ranges.example"));
}

TEST_CASE("a URL is fetched once a minute at most, and once in a month at least") {
  CHECK_THAT(error_of("feeds: [{name: a, format: aws, url: 'https://a.example', every: 59s}]"),
             has_text("feeds[0].every: '59s' is not between 1m and 30d"));
  CHECK_THAT(error_of("feeds: [{name: a, format: aws, url: 'https://a.example', every: 31d}]"),
             has_text("feeds[0].every: '31d' is not between"));
}

TEST_CASE("an own class has private ranges, but no default route, multicast or host bits") {
  const auto with = [](const std::string& net) {
    return read_manifest("classes: [{name: own, nets: ['" + net + "']}]", "m").has_value();
  };

  CHECK(with("10.0.0.0/8"));
  CHECK(with("fc00::/7"));
  CHECK(with("198.51.100.0/24"));
  CHECK_FALSE(with("0.0.0.0/0"));
  CHECK_FALSE(with("224.0.0.0/8"));
  CHECK_FALSE(with("127.0.0.0/8"));
  CHECK_FALSE(with("10.0.0.1/8"));
  CHECK_FALSE(with("96.0.0.0/6"));
  CHECK_THAT(error_of("classes: [{name: own}]"), has_text("classes[0].nets: has no prefix"));
}
