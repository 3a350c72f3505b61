#include <algorithm>

#include "aggregator/analysis/fanout.h"
#include "aggregator/analysis/tier.h"
#include "tests/support/catch.h"
#include "tests/support/evidence.h"

using namespace outflow;
using namespace outflow::testing;
using analysis::Fanout;
using attribution::Basis;
using attribution::Naming;
using attribution::PeerKind;

namespace {

constexpr const char* kApi = "api.example.com";

}  // namespace

TEST_CASE("a name whose pool rotates is one need with many addresses", "[names]") {
  const auto found = finding({named(record(outside("192.0.2.1")), kApi),
                              on_day(named(record(outside("192.0.2.2")), kApi), "2026-05-19"),
                              on_day(named(record(outside("2001:db8::2")), kApi), "2026-05-20")});

  REQUIRE(found.needs.size() == 1);
  CHECK(found.needs[0].addresses.size() == 3);
  CHECK(found.needs[0].naming.candidates.size() == 1);
  CHECK(found.needs[0].naming.naming == Naming::Named);
  CHECK(found.fanout == Fanout{.external = 1, .names = 1});
}

TEST_CASE("a need's naming is that of its latest flow, with every candidate, in any order",
          "[names]") {
  store::History older = named(record(outside("192.0.2.1")), kApi, 600);
  older.naming.candidates.push_back({"cdn.example.net", 400, Basis::Node, false});
  const store::History newer = on_day(named(record(outside("192.0.2.1")), kApi), "2026-05-19");
  std::vector<store::History> records{older, newer};
  const auto forward = finding(records).needs.at(0).naming;
  std::reverse(records.begin(), records.end());
  const auto backward = finding(records).needs.at(0).naming;

  CHECK(forward == backward);
  CHECK(forward.naming == Naming::Named);
  REQUIRE(forward.candidates.size() == 2);
  CHECK(forward.candidates[0].permille == 1000);
  CHECK(forward.candidates[1].name == "cdn.example.net");
}

TEST_CASE("fan-out tells names, ranges and raw addresses apart, and external is their sum",
          "[names]") {
  const auto found =
      finding({named(record(outside("192.0.2.1")), kApi), named(record(outside("192.0.2.2")), kApi),
               named(record(outside("192.0.2.2")), "other.example.com", 600),
               nameless(record(outside("198.51.100.1")), "AWS/S3/eu-west-1"),
               nameless(record(outside("198.51.100.2")), "AWS/S3/eu-west-1"),
               nameless(record(outside("203.0.113.1")), ""),
               record(outside("10.20.0.1", PeerKind::Private), 22),
               record(outside("203.0.113.2", PeerKind::Unknown), 22)});

  CHECK(found.fanout.names == 2);
  CHECK(found.fanout.cidrs == 1);
  CHECK(found.fanout.raw_addresses == 3);
  CHECK(found.fanout.external == 6);
  CHECK(found.fanout.destinations() == 6);
  CHECK(found.fanout.ambiguous == 1);
}

TEST_CASE("a name is unknown where a lookup may have been made that nobody saw", "[names]") {
  const auto unknown_with = [](Naming naming) {
    return finding({nameless(record(outside("203.0.113.1")), "", naming),
                    nameless(record(outside("198.51.100.1")), "AWS/S3/eu-west-1", naming)})
        .fanout.name_unknown;
  };

  CHECK(unknown_with(Naming::RawAddress) == 0);
  CHECK(unknown_with(Naming::Unknown) == 2);
  CHECK(unknown_with(Naming::OpaqueResolver) == 2);
  CHECK(unknown_with(Naming::None) == 2);
}

TEST_CASE("without names and ranges a peer outside is its address, one inside what it was",
          "[names]") {
  const store::History far = named(record(outside("192.0.2.1")), kApi);
  const store::History range = nameless(record(outside("192.0.2.2")), "AWS/S3/eu-west-1");
  const store::History near = record(service("shop", "cart"), 80);

  CHECK(analysis::without_name(far) == outside("192.0.2.1"));
  CHECK(analysis::without_name(range) == outside("192.0.2.2"));
  CHECK(analysis::without_name(near) == near.peer);
}

TEST_CASE("a tier counts names and ranges as classes, and as raw what has neither", "[tier]") {
  const auto counts = [](const std::vector<store::History>& records) {
    return analysis::count(finding(records), analysis::Preset::Default);
  };
  const auto classes =
      counts({named(record(outside("192.0.2.1")), kApi), named(record(outside("192.0.2.2")), kApi),
              nameless(record(outside("198.51.100.1")), "AWS/S3/eu-west-1"),
              nameless(record(outside("198.51.100.2")), "AWS/S3/eu-west-1")});
  const auto raw = counts(
      {nameless(record(outside("203.0.113.1")), ""), nameless(record(outside("203.0.113.2")), "")});

  CHECK(classes.external == 2);
  CHECK(classes.external_raw == 0);
  CHECK(raw.external == 2);
  CHECK(raw.external_raw == 2);
}
