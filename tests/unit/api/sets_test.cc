// Sets and the policies that name them, over a real store.
#include "aggregator/api/answers.h"
#include "tests/unit/api/samples.h"

namespace outflow::api {
namespace {

store::History named(const std::string& from, const std::string& name,
                     const char* destination = "198.51.100.7") {
  auto history = flow(from, {destination}, "2026-05-20T08:00:00Z");
  history.peer.kind = attribution::PeerKind::Name;
  history.peer.name = name;
  return history;
}

store::NameRecord told(const std::string& from, const std::string& name,
                       const std::string& to = "198.51.100.7", std::uint64_t answers = 100) {
  store::NameRecord row;
  row.day = day(kNow);
  row.namespace_name = from;
  row.name = name;
  row.address = address(to);
  row.node = "w1";
  row.interface_name = "cali" + from;
  row.trusted = true;
  row.answers = answers;
  row.first_answered = at("2026-05-20T08:00:00Z");
  row.last_answered = row.last_trusted = at("2026-05-20T11:00:00Z");
  return row;
}

void fill(Bench& bench) {
  bench.watch("w1", "2026-05-20", {"web", "mail"});
  bench.add({named("web", "api.example.com"), named("web", "big.example.org", "198.51.100.9"),
             named("mail", "api.example.com")},
            {told("web", "api.example.com"), told("web", "other.example.net"),
             told("web", "big.example.org", "198.51.100.9", 1),
             told("web", "big.example.org", "198.51.100.10", 1),
             told("mail", "api.example.com", "198.51.100.8")});
}

v1::SetsAnswer sets_of(const Backend& backend, const v1::SetsRequest& request = {}) {
  v1::SetsAnswer given;
  const auto status = answer(backend, request, given);
  INFO(status.error_message());
  REQUIRE(status.ok());
  return given;
}

v1::PolicyAnswer policy_of(const Backend& backend, v1::PolicyRequest request) {
  request.set_allow_insufficient(true);
  request.mutable_scope()->add_namespaces("web");
  v1::PolicyAnswer given;
  REQUIRE(answer(backend, request, given).ok());
  return given;
}

}  // namespace

TEST_CASE("each namespace has sets of its own, of what its own pods were told", "[sets]") {
  Bench bench;
  fill(bench);

  const auto given = sets_of(bench.backend());

  REQUIRE(given.items_size() == 3);
  CHECK(given.items(0).name() == "outflow-mail-api-example-com");
  CHECK(given.items(0).nets(0).net() == "198.51.100.8/32");
  const auto& web = given.items(1);
  CHECK(web.name() == "outflow-web-api-example-com");
  CHECK(web.usable());
  CHECK(web.coverage() == 1);
  CHECK(web.labels().at("outflow.dev/set") == web.name());
  REQUIRE(web.nets_size() == 1);
  CHECK(web.nets(0).net() == "198.51.100.7/32");
  CHECK(web.nets(0).expires() == "2026-05-21T11:00:00Z");
  REQUIRE(web.nets(0).also_size() == 1);
  CHECK(web.nets(0).also(0) == "other.example.net");
  CHECK(web.content().find("    - \"198.51.100.7/32\"\n") != std::string::npos);
}

TEST_CASE("a set no policy can use says why", "[sets]") {
  Bench bench;
  fill(bench);

  const auto given = sets_of(bench.backend());

  const auto& big = given.items(2);
  CHECK(big.class_() == "big.example.org");
  CHECK_FALSE(big.usable());
  CHECK(big.reason().find("too little was asked: 2 independent answers") != std::string::npos);
}

TEST_CASE("a set of what was only tried is not usable, however well its addresses are known",
          "[sets]") {
  Bench bench;
  auto tried = named("web", "api.example.com");
  tried.stats.established = 0;
  bench.add({tried}, {told("web", "api.example.com")});

  const auto given = sets_of(bench.backend());

  REQUIRE(given.items_size() == 1);
  CHECK(given.items(0).coverage() == 1);
  CHECK_FALSE(given.items(0).usable());
  CHECK(given.items(0).reason().find("nothing was ever established") != std::string::npos);
}

TEST_CASE("sets are cut to what their asker may see", "[sets]") {
  Bench bench;
  fill(bench);
  Backend backend = bench.backend();
  backend.may_see = [](const std::string& name) { return name != "mail"; };

  const auto given = sets_of(backend);

  CHECK(given.items_size() == 2);
  CHECK(given.context().hidden_namespaces() > 0);
}

TEST_CASE("the window of a question changes no set", "[sets]") {
  Bench bench;
  fill(bench);
  bench.clock.time = at("2026-05-21T10:00:00Z");
  bench.add({named("web", "api.example.com")}, {});
  auto late = named("web", "api.example.com");
  late.day = day("2026-05-21T00:00:00Z");
  bench.add({late}, {});
  v1::SetsRequest request;
  request.mutable_scope()->add_namespaces("web");
  request.mutable_scope()->set_window_ns(1);

  const auto given = sets_of(bench.backend(), request);

  REQUIRE(given.items_size() == 1);
  CHECK(given.items(0).nets_size() == 1);
}

TEST_CASE("a policy's file holds its sets, with addresses when they are asked for", "[sets]") {
  Bench bench;
  fill(bench);
  v1::PolicyRequest request;
  const auto live = policy_of(bench.backend(), request);
  request.set_sets("inline");
  const auto whole = policy_of(bench.backend(), request);

  REQUIRE(live.items_size() == 1);
  CHECK(live.items(0).content().find("kind: \"GlobalNetworkSet\"") != std::string::npos);
  CHECK(live.items(0).content().find("nets:") == std::string::npos);
  CHECK(whole.items(0).content().find("198.51.100.7/32") != std::string::npos);
  CHECK(live.items(0).rules() == 1);
  CHECK(live.items(0).commented() == 1);
}

TEST_CASE("domains are for the dialects that know them", "[sets]") {
  Bench bench;
  fill(bench);
  v1::PolicyRequest request;
  CHECK(policy_of(bench.backend(), request).items(0).content().find("domains:") ==
        std::string::npos);
  request.set_dialect("calico-enterprise");
  CHECK(policy_of(bench.backend(), request).items(0).content().find("domains:") !=
        std::string::npos);
}

TEST_CASE("a dialect or a way of sets nobody knows is INVALID_ARGUMENT", "[sets]") {
  const Bench bench;
  v1::PolicyRequest dialect;
  dialect.set_dialect("cilium");
  v1::PolicyRequest sets;
  sets.set_sets("dead");
  v1::PolicyAnswer given;

  CHECK(answer(bench.backend(), dialect, given).error_message().starts_with("dialect: 'cilium'"));
  CHECK(answer(bench.backend(), sets, given).error_message().starts_with("sets: 'dead'"));
}

}  // namespace outflow::api
