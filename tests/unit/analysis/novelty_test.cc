#include "aggregator/analysis/novelty.h"

#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using namespace outflow::analysis;

namespace {

// Since midnight of the 20th, now midnight of the 22nd: the span before is the 18th and the 19th.
const Interval kSpan{at("2026-05-20"), at("2026-05-22")};

}  // namespace

TEST_CASE("first seen since then is new, seen before and not since is gone", "[novelty]") {
  const auto stays = record(outside("192.0.2.1"));
  const std::vector<Finding> findings{finding(
      {stays, on_day(stays, "2026-05-21"), on_day(record(outside("192.0.2.2")), "2026-05-19"),
       on_day(record(outside("192.0.2.3")), "2026-05-20"),
       on_day(record(outside("192.0.2.4")), "2026-05-17")})};
  const auto rows = novelty(findings, kSpan);

  REQUIRE(rows.size() == 2);
  CHECK(to_text(rows[0].change) == "new");
  CHECK(rows[0].need.peer.address == ip("192.0.2.3"));
  CHECK(workloads_text(rows[0].need) == "Deployment/api");
  CHECK(to_text(rows[1].change) == "gone");
  CHECK(rows[1].need.peer.address == ip("192.0.2.2"));
}

TEST_CASE("a known peer on a new port is new", "[novelty]") {
  const auto known = record(outside("192.0.2.1"), 443);
  const std::vector<Finding> findings{
      finding({known, on_day(known, "2026-05-21"),
               on_day(record(outside("192.0.2.1"), 8443), "2026-05-21")})};

  REQUIRE(novelty(findings, kSpan).size() == 1);
  CHECK(novelty(findings, kSpan)[0].need.port == 8443);
}

TEST_CASE("rows come by namespace, new before gone", "[novelty]") {
  const auto fresh = on_day(record(outside("192.0.2.3")), "2026-05-20");
  const auto old = record(outside("192.0.2.2"));
  const auto rows =
      novelty(std::vector<Finding>{finding({fresh}, "b"), finding({old, fresh}, "a")}, kSpan);

  REQUIRE(rows.size() == 3);
  CHECK(rows[0].namespace_name == "a");
  CHECK(rows[0].change == Change::New);
  CHECK(rows[1].change == Change::Gone);
  CHECK(rows[2].namespace_name == "b");
}
