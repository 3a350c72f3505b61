#include "aggregator/kube/reflector.h"

#include <vector>

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::kube;
using namespace std::chrono_literals;
using test::has_text;

namespace {

// What a Sink was told, a word each: "begin", "put a", "remove a", "end", "heard", "fail: ...".
class Heard final : public inventory::Sink {
 public:
  void begin_list(Kind) override { told.emplace_back("begin"); }
  void end_list(Kind, TimePoint) override { told.emplace_back("end"); }
  void put(inventory::Object object, TimePoint) override {
    told.push_back("put " + inventory::key_of(object).name);
  }
  void remove(inventory::Object last, TimePoint) override {
    told.push_back("remove " + inventory::key_of(last).name);
  }
  void heard(Kind, TimePoint at) override {
    told.emplace_back("heard");
    heard_at = at;
  }
  void fail(Kind, std::string why) override { told.push_back("fail: " + why); }
  void absent(Kind, std::string why) override { told.push_back("absent: " + why); }

  std::vector<std::string> told;
  TimePoint heard_at{};
};
using Words = std::vector<std::string>;

std::string object(const std::string& name, const std::string& version) {
  return R"({"metadata":{"name":")" + name + R"(","namespace":"web","resourceVersion":")" +
         version + R"("}})";
}
std::string event(const std::string& type, const std::string& name, const std::string& version) {
  return R"({"type":")" + type + R"(","object":)" + object(name, version) + "}\n";
}
std::string bookmark(const std::string& version, bool initial_end = false) {
  return R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")" + version + '"' +
         (initial_end ? R"(,"annotations":{"k8s.io/initial-events-end":"true"})" : "") + "}}}\n";
}
std::string error(int code, int retry_after = 0) {
  return R"({"type":"ERROR","object":{"kind":"Status","code":)" + std::to_string(code) +
         R"(,"message":"said so","details":{"retryAfterSeconds":)" + std::to_string(retry_after) +
         "}}}\n";
}
std::string page(const Words& names, const std::string& version, const std::string& more = "") {
  std::string items;
  for (const std::string& name : names) items += (items.empty() ? "" : ",") + object(name, version);
  return R"({"kind":"PodList","metadata":{"resourceVersion":")" + version + R"(","continue":")" +
         more + R"("},"items":[)" + items + "]}";
}

// A reflector, the clock in our hand.
struct World {
  explicit World(bool watch_list, Kind kind = Kind::Pod)
      : reflector(kind, heard,
                  {.page_items = 2,
                   .watch_list = watch_list,
                   .seed = 7,
                   .bad = [this](Kind, const std::string& why) { bad.push_back(why); }}) {}

  [[nodiscard]] Now now() const { return {SteadyTime(1h) + time, TimePoint(1h) + time}; }
  // Waits until the next request is due, and gives its path.
  std::string ask() {
    REQUIRE(reflector.due());
    waited = std::max<nanoseconds>(0ns, *reflector.due() - now().steady);
    time += waited;
    return reflector.begin(now()).path;
  }
  bool body(const std::string& bytes) { return reflector.body(bytes, now()); }
  void ok() { reflector.head(200, "application/json", 0); }
  void answer(const std::string& bytes) {
    ok();
    static_cast<void>(body(bytes));
    reflector.end("", now());
  }
  void refuse(int code, std::int64_t retry_after = 0) {
    reflector.head(code, "text/plain", retry_after);
    reflector.end("", now());
  }
  Words told() { return std::exchange(heard.told, {}); }
  // A pod "a" was listed at 10, and the watch is open.
  void watching() {
    static_cast<void>(ask());
    answer(page({"a"}, "10"));
    CHECK_THAT(ask(), has_text("&resourceVersion=10"));
    ok();
    static_cast<void>(told());
  }

  Heard heard;
  Words bad;
  nanoseconds time{0};
  nanoseconds waited{0};
  Reflector reflector;
};

}  // namespace

TEST_CASE("a WatchList is all there is, then what happens, in one request") {
  World world(true);
  const std::string path = world.ask();
  world.ok();
  CHECK(world.body(event("ADDED", "a", "4") + event("ADDED", "b", "5")));
  CHECK(world.told() == Words{"begin", "put a", "put b"});
  CHECK(world.body(bookmark("9", true)));
  CHECK(world.told() == Words{"end", "heard", "heard"});
  CHECK(world.body(event("MODIFIED", "a", "11") + event("DELETED", "b", "12")));

  CHECK_THAT(path, has_text("/api/v1/pods?watch=true&allowWatchBookmarks=true&timeoutSeconds="));
  CHECK_THAT(path, has_text("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"));
  CHECK(world.told() == Words{"put a", "remove b", "heard"});
  world.time += 5min;
  world.reflector.end("", world.now());
  CHECK_THAT(world.ask(), has_text("&resourceVersion=12"));
  CHECK(world.waited == 0ns);
  CHECK(world.reflector.counts().lists == 1);
}

TEST_CASE("a WatchList that is refused, ignored or fails makes way for pages, once and for all") {
  const auto lists_now = [](World& world) {
    CHECK(world.ask() == "/api/v1/pods?limit=2");
    CHECK(world.waited == 0ns);
    world.answer(page({"a"}, "10"));
    CHECK(world.told() == Words{"begin", "put a", "end", "heard"});
    static_cast<void>(world.ask());
    world.ok();
    CHECK_FALSE(world.body(error(410)));
    world.reflector.end("cancelled", world.now());
    CHECK(world.ask() == "/api/v1/pods?limit=2");
  };
  SECTION("400") {
    World world(true);
    static_cast<void>(world.ask());
    world.refuse(400);
    lists_now(world);
  }
  SECTION("422") {
    World world(true);
    static_cast<void>(world.ask());
    world.refuse(422);
    lists_now(world);
  }
  SECTION("an ERROR event") {
    World world(true);
    static_cast<void>(world.ask());
    world.ok();
    CHECK_FALSE(world.body(error(500)));
    world.reflector.end("cancelled", world.now());
    CHECK(world.told() == Words{"begin"});
    lists_now(world);
  }
  SECTION("an ordinary bookmark") {
    World world(true);
    static_cast<void>(world.ask());
    world.ok();
    CHECK_FALSE(world.body(bookmark("9")));
    world.reflector.end("cancelled", world.now());
    static_cast<void>(world.told());
    lists_now(world);
  }
  SECTION("silence") {
    World world(true);
    static_cast<void>(world.ask());
    world.ok();
    CHECK(world.body(event("ADDED", "a", "4")));
    world.time += kInitialSilence - 1s;
    CHECK(world.reflector.tick(world.now()));
    world.time += 1s;
    CHECK_FALSE(world.reflector.tick(world.now()));
    world.reflector.end("cancelled", world.now());
    static_cast<void>(world.told());
    lists_now(world);
  }
}

TEST_CASE("a WatchList that is only busy is tried again") {
  World world(true);
  static_cast<void>(world.ask());
  world.refuse(429, 7);

  CHECK_THAT(world.ask(), has_text("sendInitialEvents"));
  CHECK(world.waited == 7s);
}

TEST_CASE("a list comes in pages, and is watched from the version it says") {
  World world(false);
  static_cast<void>(world.ask());
  world.answer(page({"a", "b"}, "10", "next+/"));
  CHECK(world.told() == Words{"begin", "put a", "put b"});
  CHECK(world.ask() == "/api/v1/pods?limit=2&continue=next%2B%2F");
  world.answer(page({"c"}, "10"));
  CHECK(world.told() == Words{"put c", "end", "heard"});

  CHECK_THAT(world.ask(), has_text("&resourceVersion=10"));
}

TEST_CASE("a page that fails is asked for again before the list is begun anew") {
  World world(false);
  static_cast<void>(world.ask());
  world.answer(page({"a", "b"}, "10", "next"));
  static_cast<void>(world.told());
  for (int i = 0; i < 2; ++i) {
    CHECK_THAT(world.ask(), has_text("continue=next"));
    world.refuse(503);
    CHECK(world.told().empty());
  }
  CHECK_THAT(world.ask(), has_text("continue=next"));
  world.refuse(503);

  CHECK_THAT(world.told().at(0), has_text("fail: list /api/v1/pods: HTTP 503"));
  CHECK(world.ask() == "/api/v1/pods?limit=2");
}

TEST_CASE("a list that expires between pages starts over with larger ones") {
  World world(false);
  static_cast<void>(world.ask());
  world.answer(page({"a", "b"}, "10", "next"));
  static_cast<void>(world.ask());
  world.refuse(410);

  CHECK(world.ask() == "/api/v1/pods?limit=8");
  world.answer(page({"b"}, "20"));
  CHECK(world.told().back() == "heard");
}

TEST_CASE("a connection lost costs no list") {
  World world(false);
  world.watching();
  CHECK(world.body(event("ADDED", "b", "11") + bookmark("15")));
  static_cast<void>(world.told());
  world.reflector.end("connection reset", world.now());
  CHECK(world.told() == Words{"fail: watch /api/v1/pods: connection reset"});

  CHECK_THAT(world.ask(), has_text("&resourceVersion=15"));
  CHECK(world.waited <= kBackoffMin);
  world.ok();
  CHECK(world.reflector.tick(world.now()));
  CHECK(world.told().empty());
  world.time += 2s;
  CHECK(world.reflector.tick(world.now()));
  CHECK(world.told() == Words{"heard"});
  CHECK(world.reflector.trouble().empty());
  CHECK(world.reflector.counts().relists == 0);
}

TEST_CASE("a version too old is listed anew, whether it is said as an event or by HTTP") {
  World world(false);
  world.watching();
  SECTION("in the stream") {
    CHECK_FALSE(world.body(error(410)));
    world.reflector.end("cancelled", world.now());
    CHECK_THAT(world.told().at(0), has_text("fail: watch /api/v1/pods: 410: said so"));
  }
  SECTION("by HTTP") {
    world.reflector.end("connection reset", world.now());
    static_cast<void>(world.ask());
    world.refuse(410);
  }
  CHECK(world.ask() == "/api/v1/pods?limit=2");
  static_cast<void>(world.told());
  world.answer(page({"b"}, "20"));
  CHECK(world.told() == Words{"begin", "put b", "end", "heard"});
  CHECK(world.reflector.counts().relists == 1);
}

TEST_CASE("the wait after failures doubles, is bounded, and is forgotten after health") {
  World world(false);
  world.watching();
  world.reflector.end("reset", world.now());
  nanoseconds longest{0};
  for (int i = 0; i < 40; ++i) {
    static_cast<void>(world.ask());
    if (i < 5) CHECK(world.waited <= kBackoffMin * (1 << i));
    longest = std::max(longest, world.waited);
    world.reflector.end("refused", world.now());
  }
  CHECK(longest > 10s);
  CHECK(longest <= kBackoffMax);
  static_cast<void>(world.ask());
  world.ok();
  CHECK(world.body(bookmark("16")));
  world.time += kHealthyAfter;
  world.reflector.end("reset", world.now());
  static_cast<void>(world.ask());

  CHECK(world.waited <= kBackoffMin);
}

TEST_CASE("a server's Retry-After is waited for, within reason") {
  World world(false);
  static_cast<void>(world.ask());
  world.refuse(503, 20);
  static_cast<void>(world.ask());
  CHECK(world.waited == 20s);
  world.refuse(429, 1'000'000);
  static_cast<void>(world.ask());
  CHECK(world.waited == kRetryAfterMax);
}

TEST_CASE("401 is known until something else is answered") {
  World world(false);
  static_cast<void>(world.ask());
  world.refuse(401);
  CHECK(world.reflector.unauthorized());
  static_cast<void>(world.ask());
  world.answer(page({}, "3"));

  CHECK_FALSE(world.reflector.unauthorized());
  CHECK(world.told().back() == "heard");
}

TEST_CASE("a kind that is not there is looked for at its other path, then now and then") {
  World world(false, Kind::CalicoTier);
  CHECK(world.ask() == "/apis/projectcalico.org/v3/tiers?limit=2");
  world.refuse(404);
  CHECK(world.told().empty());
  CHECK(world.ask() == "/apis/crd.projectcalico.org/v1/tiers?limit=2");
  CHECK(world.waited == 0ns);
  world.refuse(403);
  const Words told = world.told();
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], has_text("absent: list /apis/projectcalico.org/v3/tiers: HTTP 404"));
  CHECK_THAT(told[0], has_text("; list /apis/crd.projectcalico.org/v1/tiers: HTTP 403"));
  CHECK(world.reflector.is_absent());
  CHECK(world.reflector.settled());

  CHECK(world.ask() == "/apis/projectcalico.org/v3/tiers?limit=2");
  CHECK(world.waited >= kAbsentRetry / 2);
  CHECK(world.waited <= kAbsentRetry + kAbsentRetry / 2);
}

TEST_CASE("an object that cannot be read is counted and told, and the others are put") {
  World world(false);
  world.watching();
  CHECK(world.body("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n" +
                   event("ADDED", "b", "12")));

  CHECK(world.told() == Words{"put b", "heard"});
  CHECK(world.bad == Words{"Pod x: metadata.namespace: is missing"});
  CHECK(world.reflector.counts().bad == 1);
}

TEST_CASE("bytes that are no event end the watch, and it is listed anew") {
  World world(false);
  world.watching();
  CHECK_FALSE(world.body("{\"type\":\n"));
  world.reflector.end("cancelled", world.now());

  CHECK_THAT(world.told().at(0), has_text("fail: watch /api/v1/pods: not JSON"));
  CHECK(world.ask() == "/api/v1/pods?limit=2");
}

TEST_CASE("a watch that the server ends at once is not begun again at once") {
  World world(false);
  world.watching();
  world.reflector.end("", world.now());

  CHECK_THAT(world.told().at(0), has_text("the server ended it at once"));
}

TEST_CASE("a page larger than the limit is asked for in smaller ones") {
  World world(false);
  static_cast<void>(world.ask());
  world.ok();
  const std::string much(std::size_t{8} << 20U, ' ');
  bool wanted = true;
  for (int i = 0; i < 17 && wanted; ++i) wanted = world.body(much);
  CHECK_FALSE(wanted);
  world.reflector.end("cancelled", world.now());

  CHECK_THAT(world.told().at(0), has_text("a page of more than 128 MiB"));
  CHECK(world.ask() == "/api/v1/pods?limit=1");
}

TEST_CASE("a sign of life lets an idle watch be heard up to then, but none with half an event") {
  World world(false);
  world.watching();
  const Now then = world.now();
  world.time += 3s;
  world.reflector.alive(then);
  CHECK(world.told() == Words{"heard"});
  CHECK(world.heard.heard_at == then.wall);

  const std::string whole = event("ADDED", "b", "11");
  CHECK(world.body(whole.substr(0, 20)));
  static_cast<void>(world.told());
  world.reflector.alive(world.now());
  CHECK(world.told().empty());
  CHECK(world.body(whole.substr(20)));
  static_cast<void>(world.told());
  world.reflector.alive(world.now());
  CHECK(world.told() == Words{"heard"});
}

TEST_CASE("a sign of life says nothing of a list, nor of a watch without an answer") {
  World world(true);
  static_cast<void>(world.ask());
  world.ok();
  CHECK(world.body(event("ADDED", "a", "4")));
  static_cast<void>(world.told());
  world.reflector.alive(world.now());
  CHECK(world.told().empty());

  World unanswered(false);
  static_cast<void>(unanswered.ask());
  unanswered.answer(page({"a"}, "10"));
  static_cast<void>(unanswered.ask());
  static_cast<void>(unanswered.told());
  unanswered.reflector.alive(unanswered.now());
  CHECK(unanswered.told().empty());
}
