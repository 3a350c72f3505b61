// Records that are judged again: they move whole, and nothing is counted twice or lost.
#include "aggregator/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/samples.h"

using namespace outflow;
using namespace outflow::store;
using attribution::PeerKind;

namespace {

const Day kDay = day(kNoon);

// A store with these records.
struct Kept {
  explicit Kept(std::vector<History> histories)
      : store(std::move(*Store::open(dir.path(), std::chrono::days(400)))) {
    const auto merged = store->add(batch(1, std::move(histories)));
    REQUIRE(merged);
  }
  test::TempDir dir;
  std::unique_ptr<Store> store;
};

void name_peer(History& history) {
  history.peer.kind = PeerKind::Workload;
  history.peer.namespace_name = "db";
  history.peer.name = "mysql";
}

}  // namespace

TEST_CASE("an unknown source that becomes known moves its record, once", "[rejudge]") {
  const Kept kept({record(""), record("web"), record("", 80)});
  const auto judge = [&](History& history) {
    if (history.raw.port != 443 || !history.source.namespace_name.empty()) return false;
    history.source.namespace_name = "web";
    return true;
  };

  CHECK(*kept.store->rejudge(kDay, kDay, judge) == 1);
  const auto records = all(*kept.store);
  REQUIRE(records.size() == 2);
  CHECK(records[0].raw.port == 80);
  CHECK(records[1].stats.packets == 2);  // joined the one that was known
  CHECK(kept.store->presences(kDay, kDay)->at(0).namespace_name == "web");
  CHECK(*kept.store->rejudge(kDay, kDay, judge) == 0);
}

TEST_CASE("only what may still be somebody of the cluster is shown", "[rejudge]") {
  std::vector<History> histories = {record("", 1)};
  for (const PeerKind kind : {PeerKind::Unknown, PeerKind::Service, PeerKind::Workload,
                              PeerKind::Node, PeerKind::ApiServer, PeerKind::Metadata,
                              PeerKind::Private, PeerKind::External, PeerKind::Multicast}) {
    histories.push_back(record_to(kind, "", ""));
  }
  const Kept kept(histories);
  std::vector<PeerKind> shown;
  const auto judge = [&](History& history) {
    shown.push_back(history.peer.kind);
    return false;
  };

  CHECK(*kept.store->rejudge(kDay, kDay, judge) == 0);
  CHECK(shown ==
        std::vector{PeerKind::External, PeerKind::Unknown, PeerKind::Private, PeerKind::External});
}

TEST_CASE("a record whose peer becomes known joins what that peer has, once", "[rejudge]") {
  const History unknown = record_to(PeerKind::Unknown, "", "");
  const Kept kept({unknown, unknown, record_to(PeerKind::Workload, "db", "mysql"),
                   record_to(PeerKind::Workload, "elsewhere", "thief")});
  const auto judge = [](History& history) {
    name_peer(history);
    return true;
  };

  CHECK(*kept.store->rejudge(kDay, kDay, judge) == 1);
  CHECK(*kept.store->rejudge(kDay, kDay, judge) == 0);
  const auto records = all(*kept.store);
  REQUIRE(records.size() == 2);
  CHECK(records[0].peer.name == "mysql");
  CHECK(records[0].stats.packets == 3);
  CHECK(records[1].peer.name == "thief");
  CHECK(records[1].stats.packets == 1);
}

TEST_CASE("a record that moves to where another one leaves is not lost with it", "[rejudge]") {
  History early = record_to(PeerKind::Unknown, "", "");
  early.source = {};
  History late = record_to(PeerKind::Unknown, "", "");
  late.stats.packets = 10;
  const Kept kept({early, late});
  // The early one's sender is found, and not yet its peer; the late one's peer is found.
  const auto judge = [](History& history) {
    if (!history.source.namespace_name.empty()) {
      if (history.stats.packets == 10) name_peer(history);
      return history.stats.packets == 10;
    }
    history.source = record("web").source;
    return true;
  };

  CHECK(*kept.store->rejudge(kDay, kDay, judge) == 2);
  const auto records = all(*kept.store);
  REQUIRE(records.size() == 2);
  CHECK(records[0].peer.kind == PeerKind::Unknown);
  CHECK(records[0].stats.packets == 1);
  CHECK(records[1].peer.name == "mysql");
  CHECK(records[1].stats.packets == 10);
}

TEST_CASE("days that are not asked for are not judged again", "[rejudge]") {
  const Kept kept({record("")});
  const Day next = kDay + std::chrono::days(1);

  CHECK(*kept.store->rejudge(next, next, [](History& history) {
    history.source.namespace_name = "web";
    return true;
  }) == 0);
}
