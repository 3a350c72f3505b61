#include "aggregator/analysis/baseline.h"

#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using namespace outflow::analysis;

namespace {

const attribution::Peer kDns = service("kube-system", "kube-dns");

Finding asks_dns(const std::string& name) {
  return finding({record(kDns, 53, Protocol::Udp)}, name);
}

}  // namespace

TEST_CASE("what most namespaces have in common is the baseline, and who lacks it is named",
          "[baseline]") {
  const std::vector<Finding> findings{
      asks_dns("a"), asks_dns("b"), asks_dns("c"), asks_dns("d"),
      finding({record(outside("192.0.2.1")), record(kDns, 53, Protocol::Tcp)}, "e")};
  const Baseline found = baseline(findings, 0);

  CHECK(found.observed_namespaces == 5);
  REQUIRE(found.rows.size() == 1);
  CHECK(found.rows[0].peer.name == "kube-dns");
  CHECK(found.rows[0].port == 53);
  CHECK(found.rows[0].protocol == Protocol::Udp);
  CHECK(found.rows[0].namespaces == 4);
  CHECK(found.rows[0].percent == 80.0);
  CHECK(found.rows[0].missing == std::vector<std::string>{"e"});
}

TEST_CASE("a share below the asked percentage is left out, the most shared comes first",
          "[baseline]") {
  const auto both = finding({record(kDns, 53, Protocol::Udp), record(outside("192.0.2.1"))}, "b");
  const std::vector<Finding> findings{asks_dns("a"), both,
                                      finding({record(outside("192.0.2.1"))}, "c"), asks_dns("d")};

  CHECK(baseline(findings, 76).rows.empty());
  const Baseline half = baseline(findings, 50);
  REQUIRE(half.rows.size() == 2);
  CHECK(half.rows[0].peer.name == "kube-dns");
  CHECK(half.rows[1].namespaces == 2);
}

TEST_CASE("one namespace shares nothing, and an unobserved one does not count", "[baseline]") {
  const std::vector<Finding> one{asks_dns("a"), finding({}, "idle")};

  CHECK(baseline(one, 0).observed_namespaces == 1);
  CHECK(baseline(one, 0).rows.empty());
  CHECK(baseline({}, 0).rows.empty());
}

TEST_CASE("attempts alone are no common need", "[baseline]") {
  const auto tried = [](const std::string& name) {
    return finding({record(outside("192.0.2.1"), 443, Protocol::Tcp, 0)}, name);
  };

  CHECK(baseline(std::vector<Finding>{tried("a"), tried("b")}, 0).rows.empty());
}

TEST_CASE("at most twenty of those that lack it are named", "[baseline]") {
  std::vector<Finding> findings{asks_dns("a"), asks_dns("b")};
  for (int i = 0; i < 30; ++i) {
    findings.push_back(finding({record(outside("192.0.2.1"))}, "other-" + std::to_string(i)));
  }

  CHECK(baseline(findings, 1).rows.back().missing.size() == kMissingMax);
}
