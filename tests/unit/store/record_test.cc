#include "aggregator/store/record.h"

#include <initializer_list>
#include <set>

#include "tests/support/catch.h"
#include "tests/unit/store/samples.h"

using namespace outflow;
using namespace outflow::store;

namespace {

History full() {
  History history = record("web", 53);
  history.raw.evidence = Evidence::Log;
  history.raw.apart = kFlowInferred;
  history.raw.protocol = Protocol::Udp;
  history.source.reason = "a reason";
  history.source.own_address = false;
  history.peer = {.kind = attribution::PeerKind::Workload,
                  .namespace_name = "dbaas",
                  .name = "mysql",
                  .workload_kind = "StatefulSet",
                  .selector = "app == 'mysql'",
                  .service = "dbaas/mysql",
                  .address = address("2001:db8::9"),
                  .reason = "endpoint"};
  history.stats = {1, 2, 3, 4, 5, kFlowVlan, at("2026-05-18"), at("2026-05-18T01:02:03.5Z")};
  return history;
}

bool same(const History& a, const History& b) {
  return a.day == b.day && a.raw == b.raw && a.source == b.source && a.peer == b.peer &&
         a.stats == b.stats;
}

}  // namespace

TEST_CASE("a record reads back as it was written", "[store]") {
  History read;
  REQUIRE(read_flow_key(flow_key(full()), read));
  REQUIRE(read_flow_value(flow_value(full()), read));

  CHECK(same(read, full()));
}

TEST_CASE("a value that is cut, too long or of a later version cannot be read", "[store]") {
  const std::string value = flow_value(full());
  History read;
  for (std::size_t size = 0; size < value.size(); ++size) {
    CHECK_FALSE(read_flow_value(std::string_view(value).substr(0, size), read));
  }
  CHECK_FALSE(read_flow_value(value + "x", read));
  std::string later = value;
  ++later.front();
  CHECK_FALSE(read_flow_value(later, read));
}

TEST_CASE("keys of a namespace lie between its bounds, its days in order", "[store]") {
  const std::string early = flow_key(record("web", 443, at("2026-05-17")));
  const std::string late = flow_key(record("web", 1, at("2026-05-18")));

  CHECK(early < late);
  CHECK(namespace_key("web") < early);
  CHECK(late < namespace_end("web"));
  CHECK(namespace_end("web") < flow_key(record("web2", 1, at("2020-01-01"))));
  CHECK(namespace_day_key("web", day("2026-05-18")) < late);
  CHECK(early < namespace_day_key("web", day("2026-05-18")));
}

TEST_CASE("merging adds counters and takes what is newest about both ends", "[store]") {
  History sum = full();
  History newer = full();
  newer.source.pod = "web-2";
  newer.peer.selector = "app == 'mysql8'";

  merge_into(sum, newer);

  CHECK(sum.stats.packets == 2);
  CHECK(sum.source.pod == "web-2");
  CHECK(sum.peer.selector == "app == 'mysql8'");
}

TEST_CASE("a tuple has one key for each peer that had its address", "[store]") {
  std::set<std::string> keys = {flow_key(full())};
  for (const auto change : std::initializer_list<void (*)(attribution::Peer&)>{
           [](attribution::Peer& peer) { peer.kind = attribution::PeerKind::Unknown; },
           [](attribution::Peer& peer) { peer.namespace_name = "elsewhere"; },
           [](attribution::Peer& peer) { peer.name = "thief"; },
           [](attribution::Peer& peer) { peer.workload_kind = "Pod"; }}) {
    History other = full();
    change(other.peer);
    keys.insert(flow_key(other));
  }
  CHECK(keys.size() == 5);

  // What is told about a peer may change without making it another one.
  History relabelled = full();
  relabelled.peer.selector = "app == 'mysql8'";
  relabelled.peer.service = "";
  relabelled.peer.reason = "";
  CHECK(flow_key(relabelled) == flow_key(full()));
}

TEST_CASE("a key in an error names the namespace, the day and the destination", "[store]") {
  CHECK(describe_key(flow_key(record("web"))) ==
        "flow of 'web' on 2026-05-18: k8s-w1 cali814aae5e834 to 192.0.2.10:443/TCP");
  CHECK(describe_key("N\x01") == "key 4e01");
}
