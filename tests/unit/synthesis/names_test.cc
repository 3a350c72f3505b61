#include "aggregator/synthesis/names.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/synthesis/synthesize.h"
#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using namespace outflow::synthesis;
using attribution::PeerKind;

namespace {

const TimePoint kNow = at("2026-05-25T12:00:00Z");

inventory::Snapshot empty_cluster() {
  return {inventory::Model{}, at("2026-05-25")};
}

store::History use(const std::string& name, std::string_view address = "192.0.2.1") {
  auto peer = outside(address, PeerKind::Name);
  peer.name = name;
  return record(peer);
}

struct Told {
  std::string name;
  std::string address = "192.0.2.1";
  std::uint64_t answers = 100;
  bool trusted = true;
};

std::vector<store::NameRecord> rows_of(const std::vector<Told>& told) {
  std::vector<store::NameRecord> rows;
  for (const Told& one : told) {
    store::NameRecord row;
    row.day = day_of(kNow);
    row.name = one.name;
    row.address = ip(one.address);
    row.answers = one.answers;
    row.trusted = one.trusted;
    row.first_answered = row.last_answered = kNow;
    if (one.trusted) row.last_trusted = kNow;
    rows.push_back(row);
  }
  return rows;
}

GlobalNetworkPolicy policy(const std::vector<store::History>& records,
                           const std::vector<Told>& told, const Options& options = {}) {
  const auto found = finding(records);
  return synthesize(found, empty_cluster(), options,
                    analysis::name_sets_of(found, rows_of(told), kNow));
}

bool says(const std::vector<std::string>& lines, std::string_view part) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

const Options kEnterprise{.dialect = Dialect::CalicoEnterprise};

}  // namespace

TEST_CASE("a name whose addresses are known is a set, and the rule chooses it alone", "[names]") {
  const auto made = policy({use("api.example.com")}, {{"api.example.com"}});

  REQUIRE(made.sets.size() == 1);
  CHECK(made.sets[0].name == "outflow-web-api-example-com");
  CHECK(made.sets[0].labels.at("outflow.dev/set") == made.sets[0].name);
  CHECK_FALSE(made.sets[0].nets);
  REQUIRE(made.egress.size() == 2);
  CHECK(made.egress[0].set->set == made.sets[0].name);
  CHECK(made.egress[0].ports == std::vector<std::uint16_t>{443});
  CHECK_FALSE(made.egress[0].ip_version);
  CHECK(says(made.header, "Live sets: their spec.nets is not in this file."));
}

TEST_CASE("inline sets hold both families, sorted, and the header says what that means",
          "[names]") {
  const auto made = policy({use("api.example.com")},
                           {{"api.example.com", "2001:db8::1"},
                            {"api.example.com", "192.0.2.2"},
                            {"api.example.com", "192.0.2.1"}},
                           {.sets = SetsMode::Inline});

  std::vector<std::string> nets;
  for (const auto& one : made.sets.at(0).nets.value()) nets.push_back(one.to_string());
  CHECK(nets == std::vector<std::string>{"192.0.2.1/32", "192.0.2.2/32", "2001:db8::1/128"});
  CHECK(says(made.header, "Inline sets: the addresses of now"));
}

TEST_CASE("a name whose addresses are not known is a comment with the numbers", "[names]") {
  const auto made = policy({use("api.example.com")}, {{"api.example.com", "192.0.2.1", 3}});

  CHECK(made.sets.empty());
  CHECK(made.egress.size() == 1);
  REQUIRE(made.comments.size() == 1);
  CAPTURE(made.comments[0]);
  CHECK(made.comments[0].starts_with(
      "api.example.com 443/TCP: a name whose addresses cannot be listed: too little was asked: 3 "
      "independent answers, 20 are needed for 1 address (1 address of about 1.0, coverage 1.000, 3 "
      "answers, 3 independent); use an egress proxy or gateway"));
  CHECK(says(made.header, "Names without a rule: 1,"));
  CHECK(policy({use("api.example.com")}, {}).egress.size() == 1);
}

TEST_CASE("a comment on a name tells which other it may have been", "[names]") {
  auto dialled = use("img.example.com");
  dialled.naming.naming = attribution::Naming::Ambiguous;
  dialled.naming.candidates = {{.name = "img.example.com", .permille = 500},
                               {.name = "shop.example.com", .permille = 500}};

  const auto made = policy({dialled}, {{"img.example.com", "192.0.2.1", 3}});

  CHECK(says(made.comments, "it may have been another name: shop.example.com"));
}

TEST_CASE("untrusted answers open nothing", "[names]") {
  const auto made =
      policy({use("api.example.com")}, {{.name = "api.example.com", .trusted = false}});

  CHECK(made.egress.size() == 1);
  CHECK(says(made.comments, "none of its answers came from a resolver that is trusted"));
}

TEST_CASE("only dialects with names get domains", "[names]") {
  for (const auto dialect : {Dialect::CalicoEnterprise, Dialect::CalicoCloud}) {
    const auto made = policy({use("api.example.com")}, {}, {.dialect = dialect});

    REQUIRE(made.egress.size() == 2);
    CHECK(made.egress[0].domains->domains == std::vector<std::string>{"api.example.com"});
    CHECK(made.sets.empty());
    CHECK(says(made.header, "1 rule by `domains`"));
    CHECK(is_well_formed(made.egress[0], dialect));
    CHECK_FALSE(is_well_formed(made.egress[0], Dialect::CalicoOss));
  }
}

TEST_CASE("a wildcard wider than what was seen says so", "[names]") {
  const auto made = policy({use("a1.cdn.example.com"), use("a2.cdn.example.com")}, {}, kEnterprise);

  const auto& rule = made.egress.at(0);
  CHECK(rule.domains->domains == std::vector<std::string>{"*.cdn.example.com"});
  CHECK(rule.annotations.at("outflow.dev/review")
            .find("one label before .cdn.example.com, Calico's wildcard takes more as well") !=
        std::string::npos);
  CHECK(rule.annotations.at("outflow.dev/class").starts_with("2 of 2 labels look made"));
}

TEST_CASE("a wildcard whose addresses are not known gives way to its names that are", "[names]") {
  const std::vector<store::History> records{use("a1.cdn.example.com"), use("a2.cdn.example.com")};
  const auto made = policy(records, {{"a1.cdn.example.com", "192.0.2.1", 100},
                                     {"a2.cdn.example.com", "192.0.2.2", 1},
                                     {"a2.cdn.example.com", "192.0.2.3", 1}});

  REQUIRE(made.egress.size() == 2);
  CHECK(made.egress[0].set->set == set_name("web", "a1.cdn.example.com"));
  CHECK(made.egress[0]
            .annotations.at("outflow.dev/class")
            .starts_with("instead of *.cdn.example.com: its pool of addresses is not known"));
  CHECK(made.comments.size() == 1);
  CHECK(made.comments[0].starts_with("a2.cdn.example.com"));
}

TEST_CASE("a name with a star or without a host's letters gets no rule in any dialect", "[names]") {
  for (const char* name :
       {"*.example.com", "a b.example.com", "a'b.example.com", "-a.example.com"}) {
    INFO(name);
    CHECK(policy({use(name)}, {{name}}).egress.size() == 1);
    CHECK(policy({use(name)}, {}, kEnterprise).egress.size() == 1);
  }
}

TEST_CASE("who else a set opens, and which other name it may have been, stand beside the rule",
          "[names]") {
  auto record = use("api.example.com");
  record.peer.provider = "Example/CDN/global";
  record.naming.candidates = {{"api.example.com", 600, attribution::Basis::Pod, false},
                              {"www.example.net", 400, attribution::Basis::Pod, false}};
  const auto made = policy({record}, {{"api.example.com"}, {"other.example.org"}});
  const std::string& review = made.egress.at(0).annotations.at("outflow.dev/review");

  CHECK(review.find("opens other names at its addresses: other.example.org") != std::string::npos);
  CHECK(review.find("addresses of Example/CDN/global: whoever else") != std::string::npos);
}

TEST_CASE("the name of a set is one label, and another for every pair of names", "[names]") {
  CHECK(set_name("web", "api.example.com") == "outflow-web-api-example-com");
  std::set<std::string> names;
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"a", "b.c.com"},
      {"a-b", "c.com"},
      {"a", "b-c.com"},
      {"a", "*.c.com"},
      {"a", "c.com"},
      {"a", "b_c.com"},
      {std::string(63, 'n'), "a.com"},
      {std::string(63, 'n'), "b.com"},
      {"a", std::string(60, 'x') + ".com"},
      {"a", std::string(60, 'x') + ".org"}};
  for (const auto& [namespace_name, name] : pairs) {
    const std::string made = set_name(namespace_name, name);
    INFO(made);
    CHECK(made.size() <= 63);
    CHECK(made.back() != '-');
    CHECK(std::all_of(made.begin(), made.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }));
    names.insert(made);
  }
  CHECK(names.size() == pairs.size());
}

TEST_CASE("an Allow has exactly one peer, and sets and domains are two more", "[names]") {
  Rule rule;
  rule.set = SetPeer{"a"};
  CHECK(is_well_formed(rule, Dialect::CalicoOss));
  rule.domains = DomainPeer{{"a.example.com"}};
  CHECK_FALSE(is_well_formed(rule, Dialect::CalicoEnterprise));
  rule.set.reset();
  CHECK(is_well_formed(rule, Dialect::CalicoEnterprise));
  rule.domains = DomainPeer{};
  CHECK_FALSE(is_well_formed(rule, Dialect::CalicoEnterprise));
  rule.domains = DomainPeer{{"a.*.example.com"}};
  CHECK_FALSE(is_well_formed(rule, Dialect::CalicoEnterprise));
  rule.domains.reset();
  rule.set = SetPeer{""};
  CHECK_FALSE(is_well_formed(rule, Dialect::CalicoOss));
}

TEST_CASE("dialects and modes are known by their words", "[names]") {
  for (const auto dialect : {Dialect::CalicoOss, Dialect::CalicoEnterprise, Dialect::CalicoCloud}) {
    CHECK(parse_dialect(dialect_text(dialect)) == dialect);
  }
  CHECK(parse_sets_mode("live") == SetsMode::Live);
  CHECK(parse_sets_mode("inline") == SetsMode::Inline);
  CHECK_FALSE(parse_dialect("cilium"));
  CHECK_FALSE(parse_sets_mode(""));
}
