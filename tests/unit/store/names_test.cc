// What pods were told of names: kept beside the flows of its batch, for days of its own.
#include <fstream>

#include "aggregator/store/maintenance.h"
#include "aggregator/store/name_record.h"
#include "aggregator/store/record.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/samples.h"
#include "tests/unit/store/samples_v2.h"

using namespace outflow;
using namespace outflow::store;
using outflow::test::has_text;

namespace {

constexpr nanoseconds kRetention = std::chrono::days(400);

// Told once at `time`, to the pod of `record()`.
NameRecord told(const std::string& from, const std::string& name, TimePoint time = at(kNoon)) {
  NameRecord one;
  one.day = day_of(time);
  one.namespace_name = from;
  one.name = name;
  one.address = address("192.0.2.10");
  one.node = "k8s-w1";
  one.interface_name = "cali814aae5e834";
  one.pod = "web-1";
  one.target = "edge.example.net";
  one.resolver = address("10.96.0.10");
  one.ttl_s = 30;
  one.flags = kNameTcp;
  one.answers = 1;
  one.first_answered = time;
  one.last_answered = time;
  one.boot = boot(1);
  one.interface_id = 7;
  return one;
}

Addition names(std::uint64_t sequence, std::vector<NameRecord> records) {
  Addition addition = batch(sequence);
  addition.names = std::move(records);
  return addition;
}

std::vector<NameRecord> names_of(const Store& store, const std::optional<std::string>& from = {},
                                 Day first = day("2020-01-01"), Day last = day("2030-01-01")) {
  std::vector<NameRecord> found;
  const auto scanned = store.scan_names(from, first, last, [&](const NameRecord& record) {
    found.push_back(record);
    return true;
  });
  if (!scanned) FAIL(scanned.error().what);
  return found;
}

History named() {
  History history = record_to(attribution::PeerKind::Name, "", "db.example.com");
  history.naming = {.naming = attribution::Naming::Ambiguous,
                    .candidates = {{"db.example.com", 600, attribution::Basis::Pod, true},
                                   {"web.example.com", 300, attribution::Basis::Node, false}},
                    .target = "edge.example.net",
                    .said = {{"db.example.com", kSaidHost, 3}},
                    .reason = "a reason"};
  return history;
}

}  // namespace

TEST_CASE("what a pod was told reads back as it was written", "[store][names]") {
  NameRecord whole = told("web", "a.example.com");
  whole.trusted = true;
  whole.last_trusted = at("2026-05-18T11:00:00Z");
  NameRecord read;
  REQUIRE(read_name_key(name_key(whole), read));
  REQUIRE(read_name_value(name_value(whole), read));

  CHECK(name_key(read) == name_key(whole));
  CHECK(name_value(read) == name_value(whole));
  CHECK(read.target == "edge.example.net");
  CHECK(read.last_trusted == whole.last_trusted);
  CHECK(describe_key(name_key(whole)) ==
        "name of 'web' on 2026-05-18: k8s-w1 cali814aae5e834 was told 192.0.2.10 for "
        "a.example.com");
}

TEST_CASE("a name's value that is cut, too long or of a later version cannot be read",
          "[store][names]") {
  const std::string value = name_value(told("web", "a.example.com"));
  NameRecord read;
  for (std::size_t size = 0; size < value.size(); ++size) {
    CHECK_FALSE(read_name_value(std::string_view(value).substr(0, size), read));
  }
  CHECK_FALSE(read_name_value(value + "x", read));
  std::string later = value;
  ++later.front();
  CHECK_FALSE(read_name_value(later, read));
}

TEST_CASE("what is known of a flow's name stands in its record", "[store][names]") {
  History read;
  REQUIRE(read_flow_key(flow_key(named()), read));
  REQUIRE(read_flow_value(flow_value(named()), read));

  CHECK(read.peer.kind == attribution::PeerKind::Name);
  CHECK(read.peer.name == "db.example.com");
  CHECK(read.naming == named().naming);
}

TEST_CASE("more candidates than there may be are not written, and spoil a value",
          "[store][names]") {
  History history = named();
  history.naming.target = history.naming.reason = "";
  history.naming.said.clear();
  history.naming.candidates.assign(attribution::kCandidatesMax + 1,
                                   {"x.example", 1, attribution::Basis::Pod, false});
  History read;
  REQUIRE(read_flow_value(flow_value(history), read));
  CHECK(read.naming.candidates.size() == attribution::kCandidatesMax);

  std::string value = flow_value(history);
  // A candidate takes 13 bytes; after them come no target, nothing said and no reason.
  const std::string one = value.substr(value.size() - 3 - 13, 13);
  value.insert(value.size() - 3, one);
  ++value[value.size() - 3 - (attribution::kCandidatesMax + 1) * 13 - 1];  // their count
  CHECK_FALSE(read_flow_value(value, read));
}

TEST_CASE("a flow of before names was not looked at for one", "[store][names]") {
  History read = named();
  REQUIRE(read_flow_value(value_v2(record("web")), read));

  CHECK(read.naming == attribution::NameEvidence());
  CHECK(read.stats.packets == 1);
}

TEST_CASE("joined flows keep the candidates of both", "[store][names]") {
  History sum = named();
  History newer = named();
  newer.naming.naming = attribution::Naming::Named;
  newer.naming.candidates = {{"db.example.com", 1000, attribution::Basis::Pod, false}};
  merge_into(sum, newer);
  CHECK(sum.naming.naming == attribution::Naming::Named);
  REQUIRE(sum.naming.candidates.size() == 2);
  CHECK(sum.naming.candidates.front().permille == 1000);
  CHECK(sum.naming.candidates.front().said);

  newer.naming = {};
  merge_into(sum, newer);
  CHECK(sum.naming.naming == attribution::Naming::Named);
}

TEST_CASE("answers of a pod, name, address and day are one record", "[store][names]") {
  const test::TempDir dir;
  const auto store = *Store::open(dir / "s", kRetention);
  NameRecord late = told("web", "a.example.com", at("2026-05-18T13:00:00Z"));
  late.resolver = address("192.0.2.53");
  NameRecord early = told("web", "a.example.com");
  early.trusted = true;
  early.last_trusted = early.last_answered;
  REQUIRE(store->add(names(1, {late})).value() == Merge::Merged);
  REQUIRE(store->add(names(2, {early})).value() == Merge::Merged);
  REQUIRE(store->add(names(2, {early})).value() == Merge::Repeated);

  const auto found = names_of(*store, "web");
  REQUIRE(found.size() == 1);
  CHECK(found[0].answers == 2);
  CHECK(found[0].resolver == address("192.0.2.53"));
  CHECK(found[0].trusted);
  CHECK(found[0].first_answered == at(kNoon));
  CHECK(found[0].last_answered == late.last_answered);
  CHECK(found[0].last_trusted == at(kNoon));
}

TEST_CASE("one answer that is trusted makes a record trusted", "[store][names]") {
  NameRecord sum = told("web", "a.example.com");
  sum.trusted = true;
  sum.last_trusted = at(kNoon);
  merge_into(sum, told("web", "a.example.com", at("2026-05-18T13:00:00Z")));

  CHECK(sum.trusted);
  CHECK(sum.last_trusted == at(kNoon));
  CHECK(sum.first_answered == at(kNoon));
  CHECK(sum.last_answered == at("2026-05-18T13:00:00Z"));
}

TEST_CASE("a scan of names gives the namespace and the days that were asked for",
          "[store][names]") {
  const test::TempDir dir;
  const auto store = *Store::open(dir / "s", kRetention);
  REQUIRE(store->add(names(1, {told("shop", "s.example.com"), told("", "nobody.example.com"),
                               told("web", "b.example.com"), told("web", "a.example.com"),
                               told("web", "c.example.com", at("2026-05-17T01:00:00Z")),
                               told("web2", "d.example.com")})));

  CHECK(names_of(*store).size() == 6);
  CHECK(names_of(*store, "").size() == 1);
  const auto web = names_of(*store, "web", day("2026-05-18"), day("2026-05-18"));
  REQUIRE(web.size() == 2);
  CHECK(web[0].name == "a.example.com");
  CHECK(web[1].name == "b.example.com");
  CHECK(names_of(*store, "web", day("2026-05-17"), day("2026-05-17")).size() == 1);
  CHECK(all(*store).empty());
}

TEST_CASE("names are kept for nine days, whatever the retention of flows", "[store][names]") {
  const test::TempDir dir;
  const auto store = *Store::open(dir / "s", kRetention);
  Addition addition = names(1, {told("shop", "old.example.com", at("2026-05-08T23:59:59Z")),
                                told("shop", "kept.example.com", at("2026-05-09T00:00:00Z")),
                                told("web", "old.example.com", at("2026-05-01T00:00:00Z")),
                                told("web", "new.example.com")});
  addition.histories = {record("web", 443, at("2026-05-01T00:00:00Z"))};
  REQUIRE(store->add(addition));

  const auto rows = [&] { return store->backup(at(kNoon), [](auto) { return true; }).value(); };
  const std::uint64_t before = rows();
  REQUIRE(store->expire(at(kNoon)).value() == 0);
  CHECK(rows() == before - 2);
  const auto found = names_of(*store);
  REQUIRE(found.size() == 2);
  CHECK(found[0].name == "kept.example.com");
  CHECK(found[1].name == "new.example.com");
  CHECK(all(*store).size() == 1);

  // And nothing older is given, though somebody tells it again.
  REQUIRE(store->add(names(2, {told("web", "old.example.com", at("2026-05-01T00:00:00Z"))})));
  CHECK(names_of(*store).size() == 2);
}

TEST_CASE("names are kept no longer than flows", "[store][names]") {
  const test::TempDir dir;
  const auto store = *Store::open(dir / "s", std::chrono::days(2));
  REQUIRE(store->add(names(1, {told("web", "old.example.com", at("2026-05-15T00:00:00Z")),
                               told("web", "new.example.com")})));

  REQUIRE(store->expire(at(kNoon)));
  CHECK(names_of(*store).size() == 1);
}

TEST_CASE("a backup carries names", "[store][names]") {
  const test::TempDir dir;
  {
    const auto store = *Store::open(dir / "s", kRetention);
    Addition addition = names(1, {told("web", "a.example.com")});
    addition.histories = {named()};
    REQUIRE(store->add(addition));
    std::ofstream out(dir / "backup", std::ios::binary);
    REQUIRE(store->backup(at(kNoon), [&](std::string_view bytes) {
      out << bytes;
      return true;
    }));
  }
  REQUIRE(restore(dir / "backup", dir / "again"));

  const auto again = *Store::open(dir / "again", kRetention);
  CHECK(names_of(*again).size() == 1);
  REQUIRE(all(*again).size() == 1);
  CHECK(all(*again).front().naming == named().naming);
}

TEST_CASE("a store from before names is opened, and then no longer by the program of before",
          "[store][names]") {
  const test::TempDir dir;
  make_v2(dir / "s", record("web"));
  {
    const auto store = Store::open(dir / "s", kRetention);
    if (!store) FAIL(store.error().what);
    REQUIRE((*store)->add(batch(1, {record("web")})));
    REQUIRE(all(**store).size() == 1);
    CHECK(all(**store).front().stats.packets == 2);
  }

  CHECK(format_of(dir / "s") == kFormat);
}

TEST_CASE("a store from before names needs no upgrade", "[store][names]") {
  const test::TempDir dir;
  make_v2(dir / "s", record("web"));

  CHECK(upgrade(dir / "s")->from == kFormat);
  CHECK(all(**Store::open(dir / "s", kRetention)).size() == 1);
}
