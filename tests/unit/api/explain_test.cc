// What `outflow explain` says of names, over a real store. 99.83.136.103 is the address that was
// once taken for a messenger's: what dialled it had been told integrate.api.nvidia.com.
#include "aggregator/api/answers.h"
#include "aggregator/api/target.h"
#include "tests/unit/api/samples.h"

namespace outflow::api {
namespace {

using attribution::Basis;
using attribution::Naming;
using attribution::PeerKind;

constexpr const char* kAccelerator = "99.83.136.103";
constexpr const char* kNvidia = "integrate.api.nvidia.com";
constexpr const char* kThen = "2026-05-19T08:00:00Z";

std::shared_ptr<const feeds::RangeTable> ranges() {
  const feeds::RangeClass shared{"GLOBALACCELERATOR", "GLOBAL", feeds::Direction::ToVendor, true};
  return std::make_shared<const feeds::RangeTable>(std::vector<feeds::FeedHistory>{
      {{feeds::FeedVersion{
           std::make_shared<const feeds::RangeSet>(
               "AWS", std::vector<feeds::RangeClass>{shared},
               std::vector<feeds::Range>{{*net::Prefix::parse("99.83.128.0/17"), 0}}),
           at("2026-05-01T00:00:00Z"), "ip-ranges.json", "0123456789abcdef"}},
       false}});
}

store::History dialled(const std::string& from, const char* destination,
                       attribution::NameEvidence naming) {
  store::History history = flow(from, {destination}, kThen);
  if (!naming.candidates.empty()) {
    history.peer.kind = PeerKind::Name;
    history.peer.name = naming.candidates.front().name;
  }
  history.naming = std::move(naming);
  return history;
}

attribution::NameEvidence named(const std::string& name, Basis basis = Basis::Pod) {
  attribution::NameEvidence evidence;
  evidence.naming = Naming::Named;
  evidence.candidates = {{name, 980, basis, false}};
  return evidence;
}

attribution::NameEvidence nameless(Naming naming, std::string reason = "") {
  attribution::NameEvidence evidence;
  evidence.naming = naming;
  evidence.reason = std::move(reason);
  return evidence;
}

store::NameRecord told(const std::string& to, const std::string& name, const char* destination) {
  store::NameRecord record;
  record.day = day(kThen);
  record.namespace_name = to;
  record.name = name;
  record.address = address(destination);
  record.node = "w1";
  record.interface_name = "cali" + to;
  record.resolver = address("10.96.0.10");
  record.trusted = true;
  record.ttl_s = 60;
  record.answers = 12;
  record.first_answered = at(kThen);
  record.last_answered = at(kThen) + std::chrono::minutes(5);
  return record;
}

void tell(Bench& bench, std::vector<store::NameRecord> names) {
  store::Addition addition;
  addition.mark.node = "w2";
  addition.mark.boot.back() = 7;
  addition.mark.sequence = 1;
  addition.mark.last_end = bench.clock.now();
  addition.interval = {bench.clock.now(), bench.clock.now()};
  addition.names = std::move(names);
  REQUIRE(bench.store->add(addition));
}

v1::ExplainAnswer explained(const Bench& bench, const std::string& destination,
                            const std::vector<std::string>& namespaces = {},
                            access::MaySee may_see = {}) {
  Backend backend = bench.backend();
  backend.ranges = [] { return ranges(); };
  backend.may_see = std::move(may_see);
  v1::ExplainRequest request;
  request.set_destination(destination);
  for (const auto& name : namespaces) request.mutable_scope()->add_namespaces(name);
  v1::ExplainAnswer given;
  const grpc::Status status = answer(backend, request, given);
  INFO(status.error_message());
  REQUIRE(status.ok());
  return given;
}

bool noted(const v1::ExplainAnswer& given, const std::string& part) {
  for (const auto& note : given.notes()) {
    if (note.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("an address a pod was told by name is that name, in a range that many share",
          "[explain]") {
  Bench bench;
  bench.add({dialled("web", kAccelerator, named(kNvidia))});
  tell(bench, {told("web", kNvidia, kAccelerator)});

  const auto given = explained(bench, kAccelerator);

  CHECK(given.peer_kind() == "name");
  CHECK(given.peer() == kNvidia);
  CHECK(given.provider() == "AWS/GLOBALACCELERATOR/GLOBAL");
  CHECK(given.provider_range() == "99.83.128.0/17");
  CHECK(given.provider_source() ==
        "feed AWS of ip-ranges.json, in effect since 2026-05-01T00:00:00Z, sha256 0123456789ab");
  CHECK(given.shared());
  CHECK(noted(given, "shared by many tenants: a rule for the address opens all of them"));
  CHECK(noted(given, "reverse DNS (PTR) is never used"));
  REQUIRE(given.names_size() == 1);
  CHECK(given.names(0).name() == kNvidia);
  CHECK(given.names(0).confidence() == 0.98);
  CHECK(given.names(0).basis() == "pod");
  CHECK(given.names(0).answers() == 12);
  CHECK(given.names(0).ttl_s() == 60);
  CHECK(given.names(0).resolver() == "10.96.0.10");
  CHECK(given.names(0).trusted());
  CHECK(given.names(0).namespaces(0) == "web");
  REQUIRE(given.items_size() == 1);
  CHECK(given.items(0).naming() == "named");
  CHECK(given.items(0).names(0).name() == kNvidia);
}

TEST_CASE("an address dialled without a lookup says nothing about who it is", "[explain]") {
  Bench bench;
  bench.add({dialled("web", kAccelerator, nameless(Naming::RawAddress))});

  const auto given = explained(bench, kAccelerator);

  CHECK(given.peer_kind() == "provider");
  CHECK(given.peer() == "AWS/GLOBALACCELERATOR/GLOBAL");
  CHECK(noted(given,
              "raw address in AWS/GLOBALACCELERATOR/GLOBAL, shared by many tenants: an address "
              "there says nothing about who it is"));
  CHECK(noted(given, "dialled without a lookup"));
  CHECK(given.names().empty());
}

TEST_CASE("every doubt about a name has its note, with its reason", "[explain]") {
  Bench bench;
  bench.add({dialled("web", "198.51.100.1", nameless(Naming::OpaqueResolver, "asks 9.9.9.9:853")),
             dialled("web", "198.51.100.2", nameless(Naming::Unknown, "the agent had just come")),
             dialled("web", "198.51.100.3", nameless(Naming::None)),
             dialled("web", "198.51.100.4", named("a.example.com", Basis::Cluster))});

  CHECK(noted(explained(bench, "198.51.100.1"), "opaque resolver: a name may have been asked for"));
  CHECK(noted(explained(bench, "198.51.100.1"), "asks 9.9.9.9:853"));
  CHECK(noted(explained(bench, "198.51.100.2"), "may have been missed: the agent had just come"));
  CHECK(noted(explained(bench, "198.51.100.3"), "nobody looked for one"));
  CHECK(noted(explained(bench, "198.51.100.3"), "in no published or own range"));
  CHECK(noted(explained(bench, "198.51.100.4"), "the name was told to other pods only"));
}

TEST_CASE("several names of one address are shown with what speaks for each", "[explain]") {
  Bench bench;
  attribution::NameEvidence both;
  both.naming = Naming::Ambiguous;
  both.candidates = {{"a.example.com", 620, Basis::Pod, false},
                     {"b.example.com", 380, Basis::Node, false}};
  both.said = {{"outer.example.net", kSaidEch, 2}, {"c.example.com", 0, 3}};
  bench.add({dialled("web", "198.51.100.7", both)});

  const auto given = explained(bench, "198.51.100.7");
  const auto second = explained(bench, "B.example.COM.");

  CHECK(noted(given, "a.example.com 0.62 (pod), b.example.com 0.38 (node)"));
  CHECK(noted(given, "SNI c.example.com (3 times), SNI outer.example.net (ECH) (2 times)"));
  CHECK(noted(given, "with ECH the name said is the outer one"));
  CHECK(noted(given, "told by no DNS answer that was seen: c.example.com;"));
  REQUIRE(given.items_size() == 1);
  CHECK(given.items(0).naming() == "ambiguous");
  CHECK(given.items(0).said_size() == 2);
  REQUIRE(second.items_size() == 1);
  CHECK(second.items(0).peer() == "a.example.com");
}

TEST_CASE("a name is explained by its addresses, dialled or only told", "[explain]") {
  Bench bench;
  bench.add({dialled("web", "198.51.100.1", named("a.example.com"))});
  tell(bench,
       {told("web", "a.example.com", "198.51.100.1"), told("web", "a.example.com", "198.51.100.2"),
        told("web", "b.example.com", "198.51.100.3")});

  const auto given = explained(bench, "a.example.com");
  const auto never = explained(bench, "b.example.com");

  CHECK(given.peer_kind() == "name");
  REQUIRE(given.names_size() == 2);
  CHECK(given.names(0).address() == "198.51.100.1");
  CHECK(given.names(1).address() == "198.51.100.2");
  CHECK(given.names(1).confidence() == 0);
  CHECK(given.items_size() == 1);
  CHECK(never.peer() == "b.example.com");
  CHECK(never.items().empty());
  CHECK(explained(bench, "*.example.com").names_size() == 3);
}

TEST_CASE("what others were told is shown of namespaces the asker may see, and of no other",
          "[explain]") {
  Bench bench;
  bench.add({dialled("web", "198.51.100.1", named("a.example.com"))});
  tell(bench,
       {told("web", "a.example.com", "198.51.100.1"), told("mail", "b.example.com", "198.51.100.1"),
        told("far", "secret.example.com", "198.51.100.1")});
  const auto not_far = [](const std::string& name) -> access::Checked<bool> {
    return name != "far";
  };

  const auto given = explained(bench, "198.51.100.1", {"web"}, not_far);
  const auto wide = explained(bench, "198.51.100.1", {}, not_far);

  CHECK(noted(given, "not asked about, too: b.example.com (mail)"));
  CHECK_FALSE(noted(given, "secret.example.com"));
  CHECK(given.names_size() == 1);
  CHECK(wide.names_size() == 2);
  CHECK(wide.DebugString().find("secret") == std::string::npos);
}

TEST_CASE("two owners of one address are two rows, and one that is gone is said to be",
          "[explain]") {
  Bench bench;
  store::History old = flow("web", {"10.244.1.3", 25}, kThen);
  old.peer.name = "gone";
  bench.add({old, flow("web", {"10.244.1.3", 25}, "2026-05-18T08:00:00Z")});

  const auto given = explained(bench, "10.244.1.3");

  REQUIRE(given.items_size() == 2);
  CHECK(given.items(0).peer() == "Deployment mail/gone");
  CHECK(given.items(1).peer() == "Deployment mail/mail");
  CHECK(noted(given, "its pod is gone: the address is now that of Deployment mail/mail"));
}

TEST_CASE("pods and namespaces are known by name", "[explain]") {
  Bench bench;
  bench.add({flow("web", {"10.244.1.3", 25}, kThen), flow("web", {"10.244.1.9", 53}, kThen)});

  const auto pod = explained(bench, "pod/mail/mail-1");
  const auto other = explained(bench, "namespace/kube-system");
  const auto hidden =
      explained(bench, "pod/mail/mail-1", {},
                [](const std::string& name) -> access::Checked<bool> { return name != "mail"; });

  REQUIRE(pod.items_size() == 1);
  CHECK(pod.items(0).destination() == "10.244.1.3");
  REQUIRE(other.items_size() == 1);
  CHECK(other.items(0).destination() == "10.244.1.9");
  CHECK(hidden.items().empty());
  CHECK_FALSE(Target::parse("pod/mail"));
  CHECK_FALSE(Target::parse("namespace/"));
}

}  // namespace outflow::api
