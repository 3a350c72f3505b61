#include "aggregator/feeds/table.h"

#include "aggregator/feeds/classify.h"
#include "tests/support/catch.h"
#include "tests/unit/feeds/samples.h"

using namespace outflow;
using namespace outflow::feeds;
using namespace outflow::feeds::samples;
using attribution::Peer;
using attribution::PeerKind;

namespace {

constexpr Direction kTo = Direction::ToVendor;
constexpr Direction kFrom = Direction::FromVendor;

RangeClass service(const std::string& name, const std::string& region = "") {
  return {name, region, kTo, false, false};
}

RangeClass catch_all(const std::string& name) {
  return {name, "", kTo, false, true};
}

FeedHistory cloud() {
  return {{version(range_set("Cloud", {{"198.51.0.0/16", catch_all("ALL")},
                                       {"198.51.100.0/24", service("STORE", "north")},
                                       {"198.51.100.0/24", service("COMPUTE", "north")},
                                       {"198.51.101.0/24", service("COMPUTE", "south")},
                                       {"198.51.100.128/25", catch_all("ALL")},
                                       {"203.0.113.0/24", {"HOOKS", "", kFrom, false, false}},
                                       {"2001:db8::/32", service("STORE", "north")}}))},
          false};
}

std::string text_at(const RangeTable& table, std::string_view at) {
  return std::string(table.class_of(address(at), kMonday));
}

Peer peer_of(PeerKind kind, std::string_view at) {
  Peer peer;
  peer.kind = kind;
  peer.address = address(at);
  return peer;
}

}  // namespace

TEST_CASE("the longest prefix classes an address, of one prefix the service with fewer prefixes") {
  const RangeTable table({cloud()});

  CHECK(text_at(table, "198.51.100.7") == "Cloud/STORE/north");
  CHECK(text_at(table, "198.51.101.7") == "Cloud/COMPUTE/south");
  CHECK(text_at(table, "2001:db8::1") == "Cloud/STORE/north");
  CHECK(text_at(table, "192.0.2.1").empty());
  CHECK(text_at(table, "2001:db9::1").empty());
}

TEST_CASE("a catch-all service answers only where no other service of the feed has the address") {
  const RangeTable table({cloud()});

  CHECK(text_at(table, "198.51.100.200") == "Cloud/STORE/north");
  CHECK(text_at(table, "198.51.7.1") == "Cloud/ALL");
}

TEST_CASE("addresses a vendor comes from never class a destination, but are told beside it") {
  const FeedHistory wide{{version(range_set("Wide", {{"203.0.0.0/16", service("WEB")}}))}, false};

  CHECK(text_at(RangeTable({cloud()}), "203.0.113.9").empty());
  CHECK_FALSE(RangeTable({cloud()}).find(address("203.0.113.9"), kMonday));
  const auto match = RangeTable({cloud(), wide}).find(address("203.0.113.9"), kMonday);
  REQUIRE(match);
  CHECK(match->text == "Wide/WEB");
  REQUIRE(match->others.size() == 1);
  CHECK(match->others[0].text == "Cloud/HOOKS");
  CHECK(match->others[0].direction == kFrom);
}

TEST_CASE("a match says where it comes from and what else holds the address, the longest first") {
  const RangeTable table({cloud()});

  const auto match = table.find(address("198.51.100.200"), kMonday);

  REQUIRE(match);
  CHECK(match->feed == "Cloud");
  CHECK(match->service == "STORE");
  CHECK(match->region == "north");
  CHECK(match->prefix.to_string() == "198.51.100.0/24");
  CHECK(match->source == "/feeds/some.json");
  CHECK(match->digest == std::string(64, 'a'));
  CHECK(match->accepted == kMonday);
  CHECK_FALSE(match->own);
  REQUIRE(match->others.size() == 3);
  CHECK(match->others[0].prefix.to_string() == "198.51.100.128/25");
  CHECK(match->others[1].text == "Cloud/COMPUTE/north");
  CHECK(match->others[2].prefix.to_string() == "198.51.0.0/16");
}

TEST_CASE("each time is answered by the version in effect then, before the first by the first") {
  const TimePoint tuesday = kMonday + std::chrono::hours(24);
  const RangeTable table(
      {{{version(range_set("Cloud", {{"192.0.2.0/24", service("OLD")}}), kMonday),
         version(range_set("Cloud", {{"192.0.2.0/24", service("NEW")}}), tuesday)},
        false}});
  const net::Address dialled = address("192.0.2.1");

  CHECK(table.class_of(dialled, kMonday - std::chrono::hours(1)) == "Cloud/OLD");
  CHECK(table.class_of(dialled, kMonday) == "Cloud/OLD");
  CHECK(table.class_of(dialled, tuesday - nanoseconds(1)) == "Cloud/OLD");
  CHECK(table.class_of(dialled, tuesday) == "Cloud/NEW");
  CHECK(table.class_of(dialled, tuesday + std::chrono::hours(99)) == "Cloud/NEW");
}

TEST_CASE("own classes win over feeds, and of feeds the longer prefix over the earlier feed") {
  const FeedHistory wide{{version(range_set("Wide", {{"198.51.0.0/17", service("WEB")}}))}, false};
  const FeedHistory own{{version(range_set("office", {{"198.51.0.0/16", {}}}))}, true};

  CHECK(text_at(RangeTable({wide, cloud()}), "198.51.100.7") == "Cloud/STORE/north");
  CHECK(text_at(RangeTable({cloud(), wide}), "198.51.7.1") == "Wide/WEB");
  CHECK(text_at(RangeTable({cloud(), own}), "198.51.100.7") == "office");
}

TEST_CASE("all prefixes of a class can be asked for, but not of one the vendor comes from") {
  const RangeTable table({cloud()});

  const auto store = table.prefixes_of("Cloud/STORE/north", kMonday);

  REQUIRE(store.size() == 2);
  CHECK(store[0].to_string() == "198.51.100.0/24");
  CHECK(store[1].to_string() == "2001:db8::/32");
  CHECK(table.prefixes_of("Cloud/HOOKS", kMonday).empty());
  CHECK(table.prefixes_of("Cloud", kMonday).empty());
}

TEST_CASE(
    "an IPv6 prefix around the mapped addresses holds no IPv4 address, and keeps its inner ones") {
  const RangeTable table({{{version(range_set("Odd", {{"::/16", service("SIX")},
                                                      {"192.0.2.0/24", service("FOUR")},
                                                      {"0:1::/32", service("INNER")}}))},
                           false}});

  CHECK(text_at(table, "192.0.2.1") == "Odd/FOUR");
  CHECK(text_at(table, "198.51.100.1").empty());
  CHECK(text_at(table, "0:1::1") == "Odd/INNER");
  CHECK(text_at(table, "0:2::1") == "Odd/SIX");
}

TEST_CASE("a raw external address in a range becomes its provider; a name only learns of it") {
  const RangeTable table({cloud()});
  Peer raw = peer_of(PeerKind::External, "198.51.100.7");
  Peer named = peer_of(PeerKind::Name, "198.51.100.7");
  named.name = "bucket.example";
  Peer nobody = peer_of(PeerKind::External, "192.0.2.1");
  Peer node = peer_of(PeerKind::Node, "198.51.100.7");

  for (Peer* const peer : {&raw, &named, &nobody, &node}) classify(*peer, kMonday, table);

  CHECK(raw.kind == PeerKind::Provider);
  CHECK(raw.name == "Cloud/STORE/north");
  CHECK(raw.provider == raw.name);
  CHECK(named.kind == PeerKind::Name);
  CHECK(named.name == "bucket.example");
  CHECK(named.provider == "Cloud/STORE/north");
  CHECK(nobody.kind == PeerKind::External);
  CHECK(nobody.provider.empty());
  CHECK(node == peer_of(PeerKind::Node, "198.51.100.7"));
}

TEST_CASE("a private address is classed by own classes alone") {
  const FeedHistory feed{{version(range_set("Cloud", {{"10.0.0.0/8", service("WEB")}}))}, false};
  const FeedHistory own{{version(range_set("home-lan", {{"10.1.0.0/16", {}}}))}, true};
  const RangeTable table({feed, own});
  Peer lan = peer_of(PeerKind::Private, "10.1.2.3");
  Peer other = peer_of(PeerKind::Private, "10.2.2.3");

  classify(lan, kMonday, table);
  classify(other, kMonday, table);

  CHECK(lan.kind == PeerKind::Provider);
  CHECK(lan.name == "home-lan");
  CHECK(other == peer_of(PeerKind::Private, "10.2.2.3"));
}
