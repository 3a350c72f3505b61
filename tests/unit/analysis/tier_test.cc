#include "aggregator/analysis/tier.h"

#include <fstream>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using namespace outflow::analysis;
using attribution::PeerKind;

namespace {

struct Row {
  std::string name;
  Finding finding;
};

std::vector<Row> study_rows() {
  std::ifstream file(OUTFLOW_SOURCE_DIR "/tests/data/fanout-2026-05-22.csv");
  std::vector<Row> rows;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    Row row;
    std::string field[4];
    std::getline(fields, row.name, ',');
    for (std::string& one : field) std::getline(fields, one, ',');
    row.finding.fanout.pod_namespaces = std::stoull(field[1]);
    row.finding.fanout.services = std::stoull(field[2]);
    row.finding.fanout.external = std::stoull(field[3]);
    REQUIRE(row.finding.fanout.destinations() == std::stoull(field[0]));
    rows.push_back(std::move(row));
  }
  return rows;
}

char letter(const TierCounts& counts, Preset preset) {
  return static_cast<char>(tier(counts, preset).tier);
}

}  // namespace

TEST_CASE("the study's 36 rows give A 4, B 26, C 5, D 1", "[tier]") {
  std::map<char, std::set<std::string>> by_letter;
  for (const Row& row : study_rows()) {
    by_letter[letter(count(row.finding, Preset::Study), Preset::Study)].insert(row.name);
  }

  CHECK(by_letter['A'] ==
        std::set<std::string>{"default", "isponsorblocktv", "mailserver", "recruiter-responder"});
  CHECK(by_letter['B'].size() == 26);
  CHECK(by_letter['C'] ==
        std::set<std::string>{"f1-stream", "openclaw", "postiz", "status-page", "woodpecker"});
  CHECK(by_letter['D'] == std::set<std::string>{"servarr"});
}

TEST_CASE("study: every limit is met exactly and one beyond", "[tier]") {
  CHECK(letter({1, 1, 1}, Preset::Study) == 'A');
  CHECK(letter({2, 1, 1}, Preset::Study) == 'B');
  CHECK(letter({1, 2, 2}, Preset::Study) == 'B');
  CHECK(letter({5, 3, 3}, Preset::Study) == 'B');
  CHECK(letter({6, 3, 3}, Preset::Study) == 'C');
  CHECK(letter({5, 4, 4}, Preset::Study) == 'C');
  CHECK(letter({0, 18, 18}, Preset::Study) == 'C');
  CHECK(letter({0, 19, 19}, Preset::Study) == 'D');
}

TEST_CASE("default: every limit is met exactly and one beyond", "[tier]") {
  CHECK(letter({3, 1, 0}, Preset::Default) == 'A');
  CHECK(letter({3, 1, 1}, Preset::Default) == 'B');
  CHECK(letter({4, 1, 0}, Preset::Default) == 'B');
  CHECK(letter({3, 2, 0}, Preset::Default) == 'B');
  CHECK(letter({5, 3, 3}, Preset::Default) == 'B');
  CHECK(letter({6, 3, 3}, Preset::Default) == 'C');
  CHECK(letter({5, 4, 0}, Preset::Default) == 'C');
  CHECK(letter({0, 200, 49}, Preset::Default) == 'C');
  CHECK(letter({0, 50, 50}, Preset::Default) == 'D');
}

TEST_CASE("the tier is total: every small count has a letter, a rule and a boundary", "[tier]") {
  for (const Preset preset : {Preset::Default, Preset::Study}) {
    for (std::uint64_t internal = 0; internal < 10; ++internal) {
      for (std::uint64_t external = 0; external < 60; ++external) {
        const Judgement judgement = tier({internal, external, external}, preset);
        CHECK_FALSE(judgement.rule.empty());
        CHECK_FALSE(judgement.boundary.empty());
      }
    }
  }
}

TEST_CASE("a judgement says its clause, its numbers and what would change it", "[tier]") {
  const Judgement b = tier({4, 2, 2}, Preset::Study);
  CHECK(b.rule == "external 2 <= 3 and internal 4 <= 5");
  CHECK(b.boundary == "2 external more -> C, 2 internal more -> C");
  CHECK(tier({4, 1, 1}, Preset::Study).boundary ==
        "2 internal more -> C, 3 external more -> C, 3 internal fewer -> A");

  CHECK(tier({9, 13, 13}, Preset::Study).rule == "external 13 > 3 and internal 9 > 5");
  CHECK(tier({9, 0, 0}, Preset::Study).rule == "internal 9 > 5");
  CHECK(tier({4, 130, 130}, Preset::Study).rule == "external 130 > 18");
  CHECK(tier({4, 130, 130}, Preset::Study).boundary == "112 external fewer -> C");
  CHECK(tier({1, 0, 0}, Preset::Default).rule ==
        "external 0 <= 1, raw external 0 and internal 1 <= 3");
}

TEST_CASE("clauses that need estimators are named, not passed over in silence", "[tier]") {
  CHECK(tier({0, 20, 20}, Preset::Default).not_evaluated.size() == 2);
  CHECK(tier({0, 20, 20}, Preset::Study).not_evaluated.empty());
  CHECK(rule_set(Preset::Default) == "default/2");
  CHECK(rule_set(Preset::Study) == "study/1");
}

TEST_CASE("default counts classes with port, own ones too, without cluster DNS and multicast",
          "[tier]") {
  const Finding found = finding(
      {record(service("kube-system", "kube-dns"), 53, Protocol::Udp),
       record(workload("kube-system", "coredns"), 53, Protocol::Tcp),
       record(outside("169.254.20.10", PeerKind::Private), 53, Protocol::Udp),
       record(outside("224.0.0.251", PeerKind::Multicast), 5353, Protocol::Udp),
       record(service("kube-system", "kube-dns"), 9153), record(workload("dbaas", "db"), 3306),
       record(workload("dbaas", "db"), 33060), record(workload("web", "cache"), 6379),
       record(outside("192.0.2.53"), 53, Protocol::Udp), record(outside("192.0.2.1"), 443),
       record(outside("192.0.2.1"), 80), record(outside("10.20.0.1", PeerKind::Private), 22)});

  const TierCounts counts = count(found, Preset::Default);
  CHECK(counts.internal == 4);
  CHECK(counts.external == 4);
  CHECK(counts.external_raw == 3);
}

TEST_CASE("study counts the fan-out's peers, DNS included", "[tier]") {
  const Finding found =
      finding({record(service("kube-system", "kube-dns"), 53, Protocol::Udp),
               record(workload("dbaas", "db"), 3306), record(workload("web", "cache"), 6379),
               record(outside("192.0.2.1"), 443), record(outside("192.0.2.1"), 80)});

  const TierCounts counts = count(found, Preset::Study);
  CHECK(counts.internal == 2);
  CHECK(counts.external == 1);
}

TEST_CASE("what nobody saw is not simple: it has no tier, and says why", "[tier]") {
  store::History inferred = record(outside("192.0.2.9"));
  inferred.raw.apart = kFlowInferred;
  const auto why = [](const std::vector<store::History>& records, std::uint32_t days) {
    const Finding found = finding(records, "web", valid_days(days));
    CHECK_FALSE(judge(found, Preset::Default));
    CHECK_FALSE(judge(found, Preset::Study));
    return why_not_judged(found);
  };

  CHECK(why({}, 0) == "no evidence: nothing was seen of it");
  CHECK(why({}, 7) == "no evidence: nothing was sent in 7 valid days");
  CHECK(why({inferred}, 7) == "no evidence: all that was seen is apart, and not judged");
  Finding told = finding({}, "web", valid_days(0));
  told.unseen = Unseen{"no-pods: no pod runs", false};
  CHECK(why_not_judged(told) == "no evidence: no-pods: no pod runs");
  CHECK(judge(finding({record(workload("dbaas", "db"))}), Preset::Default)->tier == Tier::A);
  CHECK(to_text(Tier::A) == "A");
  CHECK(to_text(std::nullopt) == "-");
}
