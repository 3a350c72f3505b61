#include "aggregator/feeds/feeds.h"

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

// Far behind the files' own times: they never count as settled, so every step reads them.
class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return time; }
  TimePoint time = kMonday;
};

// `count` prefixes of documentation addresses, from 198.51.100.0 on.
std::string list_of(int count, int from = 0) {
  std::string text;
  for (int i = from; i < from + count; ++i) {
    text += "198.51.100." + std::to_string(i) + "/32\n";
  }
  return text;
}

class World {
 public:
  World() { manifest("feeds: [{name: List, format: cidr-list, file: list.txt}]\n"); }

  void put(const std::string& name, const std::string& text) const {
    std::ofstream(dir / name) << text;
  }
  void manifest(const std::string& text) const { put("feeds.yaml", text); }

  [[nodiscard]] std::unique_ptr<Feeds> feeds(Fetch fetch = feeds::fetch) const {
    return std::make_unique<Feeds>(Feeds::Options{dir / "feeds.yaml", dir / "data/feeds"}, clock,
                                   std::move(fetch));
  }

  TempDir dir;
  HandClock clock;
};

std::string class_of(const Feeds& feeds, std::string_view at, TimePoint when = kMonday) {
  return std::string(feeds.table()->class_of(address(at), when));
}

FeedState state_of(const Feeds& feeds) {
  const FeedsState state = feeds.state();
  REQUIRE(state.feeds.size() == 1);
  return state.feeds[0];
}

}  // namespace

TEST_CASE("a feed's file classes addresses, and again when it changes") {
  World world;
  world.put("list.txt", list_of(4));
  const auto feeds = world.feeds();

  feeds->step();
  CHECK(class_of(*feeds, "198.51.100.1") == "List");
  CHECK(class_of(*feeds, "198.51.100.4").empty());
  world.clock.time += std::chrono::hours(1);
  world.put("list.txt", list_of(5));
  feeds->step();

  CHECK(class_of(*feeds, "198.51.100.4", world.clock.time) == "List");
  CHECK(class_of(*feeds, "198.51.100.4", kMonday).empty());
  CHECK(state_of(*feeds).versions == 2);
  CHECK(state_of(*feeds).prefixes == 5);
  CHECK(state_of(*feeds).accepted == world.clock.time);
}

TEST_CASE("a file behind a link that is swapped, as a ConfigMap's, is read again") {
  World world;
  std::filesystem::create_directories(world.dir / "one");
  std::filesystem::create_directories(world.dir / "two");
  world.put("one/list.txt", list_of(4));
  world.put("two/list.txt", list_of(4, 1));
  const auto link = [&](const std::string& to) {
    std::filesystem::create_directory_symlink(to, world.dir / "..new");
    std::filesystem::rename(world.dir / "..new", world.dir / "..data");
  };
  link("one");
  world.manifest("feeds: [{name: List, format: cidr-list, file: ..data/list.txt}]\n");
  world.clock.time = std::chrono::time_point_cast<nanoseconds>(std::chrono::system_clock::now()) +
                     std::chrono::hours(1);
  const auto feeds = world.feeds();
  feeds->step();
  REQUIRE(class_of(*feeds, "198.51.100.0") == "List");

  link("two");
  world.clock.time += std::chrono::hours(1);
  feeds->step();

  CHECK(class_of(*feeds, "198.51.100.4", world.clock.time) == "List");
  CHECK(class_of(*feeds, "198.51.100.0", world.clock.time).empty());
}

TEST_CASE("a file that is missing or wrong leaves the last good version, and says why") {
  World world;
  world.put("list.txt", list_of(4));
  const auto feeds = world.feeds();
  feeds->step();

  world.put("list.txt", "<html>\n");
  feeds->step();
  CHECK(state_of(*feeds).health == Health::Failed);
  CHECK_THAT(state_of(*feeds).why, has_text("list.txt: has no prefix that can be used"));
  CHECK(state_of(*feeds).failures == 1);
  CHECK(class_of(*feeds, "198.51.100.1") == "List");
  std::filesystem::remove(world.dir / "list.txt");
  feeds->step();
  feeds->step();
  CHECK_THAT(state_of(*feeds).why, has_text("No such file"));
  CHECK(state_of(*feeds).failures == 2);
  world.put("list.txt", list_of(4));
  feeds->step();

  CHECK(state_of(*feeds).health == Health::Good);
  CHECK(state_of(*feeds).why.empty());
  CHECK(state_of(*feeds).versions == 1);
}

TEST_CASE("a version that shrinks or grows too much is quarantined until the manifest accepts it") {
  World world;
  world.put("list.txt", list_of(10));
  const auto feeds = world.feeds();
  feeds->step();

  world.put("list.txt", list_of(6));
  feeds->step();
  CHECK(state_of(*feeds).health == Health::Quarantined);
  CHECK_THAT(state_of(*feeds).why, has_text("shrank from 10 to 6"));
  CHECK_THAT(state_of(*feeds).why, has_text("accept: " + sha256_of(list_of(6))));
  CHECK(class_of(*feeds, "198.51.100.9") == "List");
  world.manifest("feeds: [{name: List, format: cidr-list, file: list.txt, accept: " +
                 sha256_of(list_of(6)) + "}]\n");
  feeds->step();

  CHECK(state_of(*feeds).health == Health::Good);
  CHECK(state_of(*feeds).prefixes == 6);
  world.put("list.txt", list_of(19));
  feeds->step();
  CHECK_THAT(state_of(*feeds).why, has_text("grew from 6 to 19"));
}

TEST_CASE("a third less and three times as much are still news") {
  CHECK(why_quarantined(10, 7).empty());
  CHECK_FALSE(why_quarantined(100, 69).empty());
  CHECK(why_quarantined(10, 30).empty());
  CHECK_FALSE(why_quarantined(10, 31).empty());
  CHECK(why_quarantined(0, 1'000).empty());
}

TEST_CASE("versions outlive a restart, and a flow is classed by the one of its time") {
  World world;
  world.put("list.txt", list_of(4));
  world.feeds()->step();
  world.clock.time += std::chrono::days(1);
  world.put("list.txt", list_of(4, 1));
  world.feeds()->step();

  const auto feeds = world.feeds();
  feeds->step();

  CHECK(state_of(*feeds).versions == 2);
  CHECK(class_of(*feeds, "198.51.100.0", kMonday) == "List");
  CHECK(class_of(*feeds, "198.51.100.4", kMonday).empty());
  CHECK(class_of(*feeds, "198.51.100.4", world.clock.time) == "List");
}

TEST_CASE("after a restart the last good version still judges a quarantined one") {
  World world;
  world.put("list.txt", list_of(10));
  world.feeds()->step();
  world.put("list.txt", list_of(1));

  const auto feeds = world.feeds();
  feeds->step();

  CHECK(state_of(*feeds).health == Health::Quarantined);
  CHECK(class_of(*feeds, "198.51.100.9") == "List");
}

TEST_CASE("a pinned feed takes those bytes alone, and takes them whatever their size") {
  World world;
  world.put("list.txt", list_of(10));
  const auto pin = [&](const std::string& digest) {
    world.manifest("feeds: [{name: List, format: cidr-list, file: list.txt, sha256: " + digest +
                   "}]\n");
  };
  pin(sha256_of(list_of(10)));
  const auto feeds = world.feeds();
  feeds->step();
  CHECK(state_of(*feeds).prefixes == 10);

  world.put("list.txt", list_of(2));
  feeds->step();
  CHECK_THAT(state_of(*feeds).why, has_text("the manifest pins"));
  CHECK(state_of(*feeds).prefixes == 10);
  pin(sha256_of(list_of(2)));
  feeds->step();

  CHECK(state_of(*feeds).health == Health::Good);
  CHECK(state_of(*feeds).prefixes == 2);
}

TEST_CASE("a wrong manifest leaves the last good one in use, and says where it is wrong") {
  World world;
  world.put("list.txt", list_of(4));
  const auto feeds = world.feeds();
  feeds->step();

  world.manifest("feeds: [{name: Other}]\n");
  feeds->step();
  CHECK_THAT(feeds->state().error, has_text("feeds.yaml:1: feeds[0]"));
  CHECK(class_of(*feeds, "198.51.100.1") == "List");
  world.manifest("classes: [{name: lab, nets: [198.51.100.0/24]}]\n");
  feeds->step();

  CHECK(feeds->state().error.empty());
  CHECK(feeds->state().feeds.empty());
  CHECK(feeds->state().own_classes == 1);
  CHECK(class_of(*feeds, "198.51.100.1") == "lab");
  CHECK(feeds->table()->find(address("198.51.100.1"), kMonday)->source == world.dir / "feeds.yaml");
}

TEST_CASE("without a manifest there is an empty table, and the state says that it is missing") {
  World world;
  std::filesystem::remove(world.dir / "feeds.yaml");
  const auto feeds = world.feeds();

  feeds->step();

  CHECK(feeds->table()->empty());
  CHECK_THAT(feeds->state().error, has_text("No such file"));
}

TEST_CASE("rows that were refused stand in the feed's state") {
  World world;
  world.put("list.txt", list_of(4) + "10.0.0.0/8\n");
  const auto feeds = world.feeds();

  feeds->step();

  CHECK(state_of(*feeds).health == Health::Good);
  CHECK(state_of(*feeds).refused.at(Refusal::SpecialPurpose).count == 1);
}

TEST_CASE("a URL is fetched when it is due, confirmed by its tag, and asked again after failures") {
  World world;
  world.manifest(
      "feeds: [{name: List, format: cidr-list, url: 'https://a.example/l', every: 1h}]\n");
  std::vector<std::string> tags;
  Result<Fetched> next = Fetched{false, list_of(4), "\"v1\""};
  const auto feeds =
      world.feeds([&](const std::string&, const std::string& etag, const std::stop_token&) {
        tags.push_back(etag);
        return next;
      });
  feeds->step();
  CHECK(state_of(*feeds).health == Health::Waiting);
  SteadyTime steady{};

  CHECK(feeds->fetcher().step(steady, {}));
  CHECK_FALSE(feeds->fetcher().step(steady, {}));
  feeds->step();
  CHECK(class_of(*feeds, "198.51.100.1") == "List");
  CHECK(state_of(*feeds).every == std::chrono::hours(1));

  next = Fetched{true, "", "\"v1\""};
  steady += std::chrono::hours(1);
  world.clock.time += std::chrono::hours(1);
  CHECK(feeds->fetcher().step(steady, {}));
  feeds->step();
  CHECK(state_of(*feeds).as_of == world.clock.time);
  CHECK(state_of(*feeds).versions == 1);

  next = fail("https://a.example/l: the answer is HTTP 500");
  steady += std::chrono::hours(1);
  CHECK(feeds->fetcher().step(steady, {}));
  feeds->step();
  CHECK(state_of(*feeds).health == Health::Failed);
  CHECK(class_of(*feeds, "198.51.100.1") == "List");

  next = Fetched{false, list_of(4), "\"v1\""};
  steady += std::chrono::minutes(1);
  CHECK(feeds->fetcher().step(steady, {}));
  feeds->step();
  CHECK(state_of(*feeds).health == Health::Good);
  CHECK(tags == std::vector<std::string>{"", "\"v1\"", "\"v1\"", ""});
}

TEST_CASE("of several URLs one version is made, and none when one of them fails") {
  World world;
  world.manifest(
      "feeds: [{name: List, format: cidr-list, urls: ['https://a.example/4', "
      "'https://a.example/6']}]\n");
  bool broken = true;
  const auto feeds = world.feeds([&](const std::string& url, const std::string& etag,
                                     const std::stop_token&) -> Result<Fetched> {
    CHECK(etag.empty());
    if (url.ends_with("4")) return Fetched{false, "198.51.100.0/24\n", "x"};
    if (broken) return fail("no");
    return Fetched{false, "2001:db8::/32\n", "y"};
  });
  feeds->step();
  CHECK(feeds->fetcher().step({}, {}));
  feeds->step();
  CHECK(state_of(*feeds).prefixes == 0);
  broken = false;
  CHECK(feeds->fetcher().step(SteadyTime() + kRetryFirst, {}));
  feeds->step();

  CHECK(state_of(*feeds).prefixes == 2);
}

TEST_CASE(
    "after failures in a row a URL is asked more and more seldom, but never less than wanted") {
  const nanoseconds day = std::chrono::hours(24);

  CHECK(next_wait(day, 0) == day);
  CHECK(next_wait(day, 1) == std::chrono::minutes(1));
  CHECK(next_wait(day, 4) == std::chrono::minutes(8));
  CHECK(next_wait(day, 1'000'000) == day);
  CHECK(next_wait(std::chrono::minutes(1), 9) == std::chrono::minutes(1));
}
