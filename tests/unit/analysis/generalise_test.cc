#include "aggregator/analysis/generalise.h"

#include <algorithm>

#include <fmt/format.h>

#include "aggregator/analysis/label.h"
#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using analysis::GeneraliseOptions;
using analysis::NamePattern;
using analysis::Need;
using attribution::PeerKind;

namespace {

struct Use {
  std::string name;
  std::string day = "2026-05-18";
  std::uint16_t port = 443;
  std::string provider = {};
};

std::vector<Need> needs_of(const std::vector<Use>& uses) {
  std::vector<Need> needs;
  for (const Use& use : uses) {
    Need need;
    need.peer = outside("192.0.2.1", PeerKind::Name);
    need.peer.name = use.name;
    need.peer.provider = use.provider;
    need.port = use.port;
    need.protocol = Protocol::Tcp;
    need.days = {day(use.day)};
    need.addresses = {ip("192.0.2.1")};
    need.stats.packets = 1;
    need.stats.established = 1;
    need.stats.last_seen = TimePoint(day(use.day));
    needs.push_back(std::move(need));
  }
  return needs;
}

std::vector<std::string> names_of(const std::vector<Need>& needs) {
  std::vector<std::string> names;
  for (const Need& need : needs) names.push_back(need.peer.name);
  return names;
}

using Names = std::vector<std::string>;

// Four names below `parent` on three days.
std::vector<Use> family(const std::string& parent) {
  return {{"mail." + parent, "2026-05-18"},
          {"news." + parent, "2026-05-19"},
          {"shop." + parent, "2026-05-20"},
          {"blog." + parent, "2026-05-20"}};
}

}  // namespace

TEST_CASE("four names on three days are a class, with all that was seen of them", "[generalise]") {
  const auto needs = analysis::generalise(needs_of(family("example.com")));

  REQUIRE(needs.size() == 1);
  const Need& found = needs.front();
  CHECK(found.peer.name == "*.example.com");
  CHECK(found.names == std::set<std::string>{"blog.example.com", "mail.example.com",
                                             "news.example.com", "shop.example.com"});
  CHECK(found.days.size() == 3);
  CHECK(found.stats.packets == 4);
  CHECK(found.class_reason.starts_with(
      "4 names on 3 days (at least 4 on 3); 4 of 4 in no provider's range; all below example.com "
      "(public suffix list of "));
}

TEST_CASE("three names, or two days, are none", "[generalise]") {
  auto three = family("example.com");
  three.pop_back();
  auto two_days = family("example.com");
  two_days[0].day = "2026-05-19";

  CHECK(analysis::generalise(needs_of(three)).size() == 3);
  CHECK(analysis::generalise(needs_of(two_days)).size() == 4);
  CHECK(analysis::generalise(needs_of(three), {.names = 3, .days = 3}).size() == 1);
  CHECK(analysis::generalise(needs_of(two_days), {.names = 4, .days = 2}).size() == 1);
}

TEST_CASE("no class crosses to another owner's names", "[generalise]") {
  for (const char* parent : {"s3.amazonaws.com", "cloudfront.net", "github.io", "azurewebsites.net",
                             "amazonaws.com", "eu-west-1.amazonaws.com", "com", "co.uk"}) {
    INFO(parent);
    CHECK(analysis::generalise(needs_of(family(parent))).size() == 4);
  }
  CHECK(analysis::generalise(needs_of(family("bucket.s3.amazonaws.com"))).size() == 1);
}

TEST_CASE("each port is judged by itself", "[generalise]") {
  auto uses = family("example.com");
  uses[0].port = 80;
  CHECK(analysis::generalise(needs_of(uses)).size() == 4);

  auto both = family("example.com");
  both.push_back({"mail.example.com", "2026-05-18", 80});
  CHECK(names_of(analysis::generalise(needs_of(both))) ==
        Names{"*.example.com", "mail.example.com"});
}

TEST_CASE("names in different providers' ranges are different destinations", "[generalise]") {
  auto uses = family("example.com");
  uses.push_back({"docs.example.com", "2026-05-20"});
  for (auto& use : uses) use.provider = "AWS/EC2/eu-west-1";
  uses[0].provider = "Cloudflare";
  const auto four_of_five = analysis::generalise(needs_of(uses));
  uses[1].provider = "Cloudflare";

  CHECK(names_of(four_of_five) == Names{"*.example.com"});
  CHECK(analysis::generalise(needs_of(uses)).size() == 5);
}

TEST_CASE("two labels a machine made are enough", "[generalise]") {
  CHECK(names_of(analysis::generalise(
            needs_of({{"s3-r-1.cdn.example.com"}, {"s3-r-22.cdn.example.com"}}))) ==
        Names{"*.cdn.example.com"});
  CHECK(names_of(analysis::generalise(
            needs_of({{"0a1b2c3d4e.cdn.example.com"}, {"deadbeef99.cdn.example.com"}}))) ==
        Names{"*.cdn.example.com"});
  CHECK(analysis::generalise(needs_of({{"s3.example.com"}, {"ec2.example.com"}})).size() == 2);
  CHECK(analysis::generalise(needs_of({{"documents.example.com"}, {"workspace.example.com"}}))
            .size() == 2);
  // Beside names that people made they are no family.
  CHECK(analysis::generalise(needs_of({{"www.example.com"},
                                       {"login.example.com"},
                                       {"mx1.example.com"},
                                       {"mx2.example.com"}}))
            .size() == 4);
  CHECK(
      analysis::generalise(needs_of({{"s3-r-1\\027.cdn.example.com"}, {"s3-r-22.cdn.example.com"}}))
          .size() == 2);
}

TEST_CASE("names that nothing ever answered under make no class and are in none", "[generalise]") {
  auto needs = needs_of(family("example.com"));
  needs[0].stats.established = 0;
  CHECK(analysis::generalise(needs).size() == 4);

  needs.push_back(needs_of({{"docs.example.com"}}).front());
  CHECK(names_of(analysis::generalise(needs)) == Names{"*.example.com", "mail.example.com"});
}

TEST_CASE("a class keeps the needs it was made of", "[generalise]") {
  const auto needs = analysis::generalise(needs_of(family("example.com")));

  REQUIRE(needs.front().members.size() == 4);
  CHECK(names_of(needs.front().members) ==
        Names{"blog.example.com", "mail.example.com", "news.example.com", "shop.example.com"});
  CHECK(needs.front().members.front().stats.packets == 1);
}

TEST_CASE("the narrowest class is taken, and what is in it counts no further up", "[generalise]") {
  auto uses = family("eu.example.com");
  for (auto& use : family("us.example.com")) uses.push_back(use);
  uses.push_back({"www.example.com", "2026-05-18"});

  CHECK(names_of(analysis::generalise(needs_of(uses))) ==
        Names{"*.eu.example.com", "*.us.example.com", "www.example.com"});
}

TEST_CASE("the name above a class stays its own: no wildcard takes it", "[generalise]") {
  auto uses = family("example.com");
  uses.push_back({"example.com", "2026-05-18"});

  CHECK(names_of(analysis::generalise(needs_of(uses))) == Names{"*.example.com", "example.com"});
}

TEST_CASE("labels one below make a class of one label, deeper ones a subtree", "[generalise]") {
  const auto flat = analysis::generalise(needs_of(family("example.com")));
  auto uses = family("example.com");
  uses[0].name = "a.mail.example.com";
  const auto deep = analysis::generalise(needs_of(uses));

  CHECK(analysis::pattern_of(flat.front()) ==
        NamePattern{NamePattern::Kind::OneLabel, "example.com"});
  CHECK(analysis::pattern_of(deep.front()) ==
        NamePattern{NamePattern::Kind::Subtree, "example.com"});
  CHECK(analysis::pattern_of(needs_of({{"a.example.com"}}).front()) ==
        NamePattern{NamePattern::Kind::Exact, "a.example.com"});
}

TEST_CASE("a pattern takes what it says, and never the name itself", "[generalise]") {
  const NamePattern one{NamePattern::Kind::OneLabel, "example.com"};
  const NamePattern all{NamePattern::Kind::Subtree, "example.com"};

  CHECK(matches(one, "a.example.com"));
  CHECK_FALSE(matches(one, "a.b.example.com"));
  CHECK(matches(all, "a.b.example.com"));
  CHECK_FALSE(matches(all, "example.com"));
  CHECK_FALSE(matches(all, ".example.com"));
  CHECK_FALSE(matches(all, "aexample.com"));
  CHECK(analysis::matches({NamePattern::Kind::Exact, "example.com"}, "example.com"));
}

TEST_CASE("the order of needs changes nothing, and other kinds come through", "[generalise]") {
  auto needs = needs_of(family("example.com"));
  Need raw;
  raw.peer = outside("198.51.100.1");
  raw.port = 443;
  needs.push_back(raw);
  const auto forward = analysis::generalise(needs);
  std::reverse(needs.begin(), needs.end());
  const auto backward = analysis::generalise(needs);

  REQUIRE(forward.size() == 2);
  CHECK(names_of(forward) == names_of(backward));
  CHECK(forward[0].peer == backward[0].peer);
  CHECK(forward[0].class_reason == backward[0].class_reason);
  CHECK(forward[1].peer.kind == PeerKind::External);
}

TEST_CASE("a need holds what was asked of the names of its class", "[generalise]") {
  const auto needs = analysis::generalise(needs_of(family("example.com")));
  attribution::Peer member = outside("192.0.2.9", PeerKind::Name);
  member.name = "news.example.com";
  attribution::Peer stranger = member;
  stranger.name = "other.example.com";

  CHECK(analysis::is_need_of(needs.front(), member));
  CHECK_FALSE(analysis::is_need_of(needs.front(), stranger));
}

TEST_CASE("fan-out counts a class once", "[generalise]") {
  std::vector<store::History> records;
  for (const auto& use : family("example.com")) {
    auto peer = outside("192.0.2.1", PeerKind::Name);
    peer.name = use.name;
    records.push_back(on_day(record(peer), use.day));
  }
  CHECK(finding(records).fanout.external == 1);
}

TEST_CASE("names as deep and as many as DNS allows are taken", "[generalise]") {
  std::string deep = "example.com";
  while (deep.size() + 2 <= 253) deep.insert(0, "a.");
  std::vector<Use> uses{{deep}};
  for (int i = 0; i < 2000; ++i) uses.push_back({fmt::format("n{}.example.com", i)});

  CHECK(analysis::generalise(needs_of(uses)).front().names.size() == 2001);
}

TEST_CASE("bits a character are Shannon's", "[generalise]") {
  CHECK(analysis::bits_per_character("aaaa") == 0);
  CHECK(analysis::bits_per_character("abcd") == 2);
  CHECK(analysis::bits_per_character("") == 0);
}

TEST_CASE("what looks made by a machine", "[generalise]") {
  const auto made = [](const std::vector<std::string>& labels) {
    return analysis::machine_made(labels);
  };
  CHECK(made({"123e4567-e89b-12d3-a456-426614174000"}) == 1);
  CHECK(made({"deadbeef"}) == 0);
  CHECK(made({"deadbee1"}) == 1);
  CHECK(made({"dkx8fj3h2q"}) == 1);
  CHECK(made({"xkqjwvbzht"}) == 1);
  CHECK(made({"pool1-eu", "pool22-eu", "pool1-us"}) == 2);
  CHECK(made({"accounts", "telemetry", "analytics", "documents"}) == 0);
}
