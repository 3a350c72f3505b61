// Rounds against an API server that is a map, with a clock moved by hand.
#include "aggregator/apply/round.h"

#include "tests/support/catch.h"
#include "tests/support/fake_sets.h"

using namespace outflow;
using namespace outflow::apply;
using outflow::test::FakeSets;
using outflow::test::has_text;
using Nets = std::vector<std::string>;

namespace {

class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return at; }
  TimePoint at = from_unix_ns(1'800'000'000'000'000'000);
};

struct World {
  World() { answer.sets.mutable_context()->set_inventory_as_of("2026-05-18T18:00:00Z"); }

  v1::NetworkSet& want(const std::string& name, const Nets& nets) {
    v1::NetworkSet* set = nullptr;
    for (auto& item : *answer.sets.mutable_items()) {
      if (item.name() == name) set = &item;
    }
    if (set == nullptr) set = answer.sets.add_items();
    set->set_name(name);
    set->set_namespace_("shop");
    set->set_usable(true);
    set->clear_nets();
    for (const auto& net : nets) set->add_nets()->set_net(net);
    return *set;
  }

  Standing run() {
    if (!rounds) {
      cluster.emplace(api.send(), options);
      rounds.emplace(
          Rounds::Parts{[this]() -> Result<Asked> {
                          if (silent) return fail("no aggregator");
                          return answer;
                        },
                        *cluster, clock, [this](const std::string& line) { told.push_back(line); }},
          settings);
    }
    return rounds->run();
  }

  FakeSets api;
  HandClock clock;
  Asked answer;
  bool silent = false;
  Settings settings;
  Cluster::Options options;
  std::optional<Cluster> cluster;
  std::optional<Rounds> rounds;
  std::vector<std::string> told;
};

}  // namespace

TEST_CASE("a set without nets is given what is wanted, and is then left alone", "[apply]") {
  World world;
  world.api.add("s");
  world.want("s", {"8.8.8.8/32"});

  CHECK(world.run().applied == 1);
  CHECK(world.api.sets["s"].nets == Nets{"8.8.8.8/32"});
  CHECK(world.run().applied == 0);
  CHECK(world.rounds->counts().applied == 1);
}

TEST_CASE("a new address is applied in the next round, whenever the set was looked at", "[apply]") {
  World world;
  world.api.add("s");
  world.want("s", {"8.8.8.8/32"});
  world.run();
  world.want("s", {"8.8.8.8/32", "8.8.4.4/32"});

  CHECK(world.run().applied == 1);
  CHECK(world.api.sets["s"].nets == Nets{"8.8.4.4/32", "8.8.8.8/32"});
}

TEST_CASE("a set that needs nothing is not asked for again for a while", "[apply]") {
  World world;
  world.api.add("s", {"8.8.8.8/32"});
  world.want("s", {"8.8.8.8/32"});
  world.run();
  const std::size_t asked = world.api.asked.size();
  world.run();
  CHECK(world.api.asked.size() == asked);

  world.api.sets["s"].nets.clear();  // somebody emptied it
  world.clock.at += kLookAgain;
  world.run();
  CHECK(world.api.sets["s"].nets == Nets{"8.8.8.8/32"});
}

TEST_CASE("a set that is not there is not made, and that is no refusal", "[apply]") {
  World world;
  world.want("s", {"8.8.8.8/32"});
  const Standing standing = world.run();

  CHECK(world.api.sets.empty());
  CHECK(standing.error.empty());
  CHECK_FALSE(standing.partial);
  CHECK(standing.sets == std::map<std::string, std::size_t>{{"absent", 1}});
}

TEST_CASE("a set that is to be made gets its label and then its nets", "[apply]") {
  World world;
  world.settings.create = true;
  world.want("s", {"8.8.8.8/32"});
  world.want("unusable", {"8.8.8.8/32"}).set_usable(false);
  world.want("inside", {"10.0.0.1/32"});
  CHECK(world.run().sets ==
        std::map<std::string, std::size_t>{{"absent", 1}, {"current", 1}, {"refused", 1}});

  REQUIRE(world.api.sets.size() == 1);
  CHECK(world.api.sets["s"].labels.at("outflow.dev/set") == "s");
  CHECK(world.api.sets["s"].nets == Nets{"8.8.8.8/32"});
}

TEST_CASE("a set of the same name that is not ours is never written to", "[apply]") {
  World world;
  world.settings.create = true;
  world.api.add("s", {"192.0.2.1"}).labels.clear();
  world.want("s", {"8.8.8.8/32"});
  const Standing standing = world.run();

  CHECK(world.api.sets["s"].nets == Nets{"192.0.2.1"});
  CHECK(standing.partial);
  CHECK(world.rounds->counts().refused == std::map<std::string, std::uint64_t>{{"foreign", 1}});
}

TEST_CASE("nets of another manager are a conflict, told once and not forced", "[apply]") {
  World world;
  world.api.add("s", {"192.0.2.1"}, "argocd");
  world.want("s", {"8.8.8.8/32"});
  world.run();
  const Standing standing = world.run();

  CHECK(world.api.sets["s"].nets == Nets{"192.0.2.1"});
  CHECK(standing.sets.at("conflict") == 1);
  CHECK(world.rounds->counts().conflicts == 1);
  CHECK(world.rounds->counts().refused.at("conflict") == 1);
}

TEST_CASE("a conflict is forced when that is wanted", "[apply]") {
  World world;
  world.options.force_conflicts = true;
  world.api.add("s", {"192.0.2.1/32"}, "argocd");
  world.want("s", {"8.8.8.8/32"});
  world.run();

  CHECK(world.api.sets["s"].nets == Nets{"8.8.8.8/32", "192.0.2.1/32"});
}

TEST_CASE("a set that changes between look and write is looked at again", "[apply]") {
  World world;
  world.api.add("s");
  world.want("s", {"8.8.8.8/32"});
  bool once = true;
  world.api.before = [&](const HttpRequest& request) {
    if (request.method != "PATCH" || !once) return;
    once = false;
    world.api.sets["s"].nets = {"8.8.4.4/32"};
    ++world.api.sets["s"].version;
  };
  CHECK(world.run().error.empty());
  CHECK(world.api.sets["s"].nets == Nets{"8.8.4.4/32", "8.8.8.8/32"});
}

TEST_CASE("a set that was replaced by a foreign one between look and write is not written",
          "[apply]") {
  World world;
  world.api.add("s");
  world.want("s", {"8.8.8.8/32"});
  world.api.before = [&](const HttpRequest& request) {
    if (request.method == "PATCH") world.api.add("s", {"192.0.2.1"}).labels.clear();
  };
  world.run();

  CHECK(world.api.sets["s"].nets == Nets{"192.0.2.1"});
}

TEST_CASE("a set that went between look and write is not made by the write", "[apply]") {
  World world;
  world.api.add("s");
  world.want("s", {"8.8.8.8/32"});
  world.api.before = [&](const HttpRequest& request) {
    if (request.method == "PATCH") world.api.sets.clear();
  };
  world.run();

  CHECK(world.api.sets.empty());
}

TEST_CASE("a dry run tells, and writes nothing", "[apply]") {
  World world;
  world.settings.dry_run = world.settings.create = true;
  world.options.dry_run = true;
  world.api.add("s");
  world.want("s", {"8.8.8.8/32"});
  world.want("t", {"8.8.8.8/32"});
  world.run();

  CHECK(world.api.sets["s"].nets.empty());
  CHECK(world.api.sets.count("t") == 0);
  REQUIRE(world.told.size() == 2);
  CHECK_THAT(world.told[0], has_text("would apply s: 1 added"));
  CHECK_THAT(world.told[1], has_text("would create t"));
}

TEST_CASE("without an answer nothing is touched, and the round says so", "[apply]") {
  World world;
  world.api.add("s", {"8.8.8.8/32"});
  world.silent = true;

  CHECK(world.run().error == "no aggregator");
  CHECK(world.api.asked.empty());
  CHECK(world.rounds->counts().aggregator_errors == 1);
  CHECK(world.rounds->counts().last_success == TimePoint());
}

TEST_CASE("an API server that is away ends the round instead of being asked for every set",
          "[apply]") {
  World world;
  for (int i = 0; i < 20; ++i) world.want("s" + std::to_string(i), {"8.8.8.8/32"});
  world.api.away = true;

  CHECK_THAT(world.run().error, has_text("connection refused"));
  CHECK(world.api.asked.size() < 10);
  CHECK(world.rounds->counts().api_errors == 3);
  world.api.away = false;
  CHECK(world.run().error.empty());
}

TEST_CASE("one set that may not be read does not stop the others", "[apply]") {
  World world;
  world.api.add("a");
  world.api.add("b");
  world.want("a", {"8.8.8.8/32"});
  world.want("b", {"8.8.8.8/32"});
  world.api.before = [&](const HttpRequest& request) {
    world.api.status = request.path.ends_with("/a") ? 403 : 0;
  };
  CHECK_THAT(world.run().error, has_text("HTTP 403"));
  CHECK(world.api.sets["b"].nets == Nets{"8.8.8.8/32"});
}

TEST_CASE("Calico's store is written where its API is not served, and only there", "[apply]") {
  World world;
  world.api.groups = {"crd.projectcalico.org/v1"};
  world.api.add("s");
  world.want("s", {"8.8.8.8/32"});
  world.run();
  CHECK(world.api.sets["s"].nets == Nets{"8.8.8.8/32"});

  World broken;
  broken.api.status = 503;
  broken.want("s", {"8.8.8.8/32"});
  CHECK_THAT(broken.run().error, has_text("HTTP 503"));
  for (const auto& asked : broken.api.asked) CHECK(asked == "GET /apis/projectcalico.org/v3");
}

TEST_CASE("a refusal is counted when it begins, and again when it begins again", "[apply]") {
  World world;
  world.api.add("s");
  world.want("s", {"8.8.8.8/32", "10.0.0.1/32"});
  world.run();
  world.run();
  CHECK(world.rounds->counts().refused.at("private") == 1);

  world.want("s", {"8.8.8.8/32"});
  world.run();
  world.want("s", {"8.8.8.8/32", "10.0.0.1/32"});
  CHECK(world.run().partial);
  CHECK(world.rounds->counts().refused.at("private") == 2);
}

TEST_CASE("a set that the answers do not tell of any more stays as it is", "[apply]") {
  World world;
  world.api.add("s", {"8.8.8.8/32"});
  world.want("s", {"8.8.8.8/32"});
  world.run();
  world.answer.sets.clear_items();
  world.clock.at += std::chrono::hours(48);
  world.run();

  CHECK(world.api.sets["s"].nets == Nets{"8.8.8.8/32"});
}
