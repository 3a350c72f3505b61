// The answers over a real store: what the pipeline would have written is written by hand.
#include "aggregator/api/answers.h"

#include "tests/unit/api/samples.h"

namespace outflow::api {
namespace {

template <class Request, class Answer>
Answer ask(const Bench& bench, const Request& request) {
  Answer given;
  const grpc::Status status = answer(bench.backend(), request, given);
  INFO(status.error_message());
  REQUIRE(status.ok());
  return given;
}

template <class Answer>
auto find(const Answer& given, const std::string& name) {
  for (const auto& item : given.items()) {
    if (item.namespace_() == name) return item;
  }
  FAIL("no item for " << name);
  return given.items(0);
}

// Two whole days and half of a third; web talks to DNS, to an external address and to itself.
void fill(Bench& bench) {
  for (const char* date : {"2026-05-18", "2026-05-19", "2026-05-20"}) {
    bench.watch("w1", date, {"web", "mail"});
    bench.watch("w2", date, {});
  }
  bench.add({flow("web", {"10.96.0.10", 53, Protocol::Udp}, "2026-05-19T08:00:00Z"),
             flow("web", {"198.51.100.7"}, "2026-05-18T08:00:00Z"),
             flow("web", {"198.51.100.7"}, "2026-05-20T08:00:00Z"),
             flow("web", {"10.244.1.2", 8080}, "2026-05-20T08:00:00Z"),
             flow("gone", {"198.51.100.8"}, "2026-05-19T08:00:00Z"),
             flow("", {"198.51.100.9"}, "2026-05-19T08:00:00Z")});
}

}  // namespace

TEST_CASE("an empty store answers every question", "[answers]") {
  const Bench bench;

  CHECK(ask<v1::StatusRequest, v1::StatusAnswer>(bench, {}).items_size() == 3);
  const auto coverage = ask<v1::CoverageRequest, v1::CoverageAnswer>(bench, {});
  CHECK(coverage.items_size() == 6);
  CHECK(coverage.context().from().empty());
  CHECK(coverage.context().to() == kNow);
  CHECK(ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, {}).items_size() == 0);
  CHECK(ask<v1::TiersRequest, v1::TiersAnswer>(bench, {}).rule_set() == "default/2");
  CHECK(ask<v1::PolicyRequest, v1::PolicyAnswer>(bench, {}).refused_size() == 6);
  CHECK(ask<v1::BaselineRequest, v1::BaselineAnswer>(bench, {}).items_size() == 0);
  CHECK(ask<v1::PlanRequest, v1::PlanAnswer>(bench, {}).items_size() == 6);
}

TEST_CASE("the context says which nodes had no agent and which lost data", "[answers]") {
  Bench bench;
  fill(bench);
  bench.watch("w2", "2026-05-20", {}, {{"ring_full", 2}});

  const auto context = ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, {}).context();

  CHECK(context.from() == "2026-05-18T00:00:00Z");
  CHECK(context.days_wanted() == 7);
  CHECK(context.nodes() == 3);
  CHECK(context.nodes_reporting() == 2);
  REQUIRE(context.missing_nodes_size() == 1);
  CHECK(context.missing_nodes(0) == "w3");
  REQUIRE(context.incomplete_nodes_size() == 1);
  CHECK(context.incomplete_nodes(0) == "w2");
  REQUIRE(context.losses_size() == 1);
  CHECK(context.losses(0).reason() == "ring_full");
  CHECK(context.inventory_as_of() == "2026-05-20T11:59:00Z");
}

TEST_CASE("lost names stand in the context, apart from what may have cost a flow", "[answers]") {
  Bench bench;
  fill(bench);
  store::Addition addition;
  addition.mark.node = "w1";
  addition.mark.sequence = 4;
  addition.mark.last_end = bench.clock.now();
  addition.interval = {bench.clock.now() - std::chrono::seconds(5), bench.clock.now()};
  addition.skipped = {{"dns_ring_full", 4}, {"udp_reply", 9}};
  REQUIRE(bench.store->add(addition));

  const auto context = ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, {}).context();

  REQUIRE(context.name_losses_size() == 1);
  CHECK(context.name_losses(0).reason() == "dns_ring_full");
  CHECK(context.name_losses(0).count() == 4);
  CHECK(context.losses().empty());
  CHECK(context.incomplete_nodes().empty());
}

TEST_CASE("fan-out counts a pool as its name, and before naming as its addresses", "[answers]") {
  Bench bench;
  std::vector<store::History> pool;
  for (const char* one : {"198.51.100.1", "198.51.100.2", "198.51.100.3"}) {
    pool.push_back(flow("web", {one}, "2026-05-19T08:00:00Z"));
    pool.back().peer.kind = attribution::PeerKind::Name;
    pool.back().peer.name = "api.example.com";
    pool.back().naming.naming = attribution::Naming::Named;
  }
  bench.add(pool);
  v1::FanoutRequest request;

  const auto named = find(ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, request), "web");
  request.set_raw(true);
  const auto raw = find(ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, request), "web");

  CHECK(named.names() == 1);
  CHECK(named.external() == 1);
  CHECK(named.destinations() == 1);
  CHECK(raw.names() == 0);
  CHECK(raw.raw_addresses() == 3);
  CHECK(raw.external() == 3);
  CHECK(raw.destinations() == 3);
  CHECK(raw.name_unknown() == 0);
}

TEST_CASE("coverage shows lost namespaces and unknown sources beside the selected ones",
          "[answers]") {
  Bench bench;
  fill(bench);

  const auto coverage = ask<v1::CoverageRequest, v1::CoverageAnswer>(bench, {});

  CHECK(find(coverage, "web").status() == "observed");
  CHECK(find(coverage, "web").flows() == 4);
  CHECK(find(coverage, "web").last_seen() == "2026-05-20T08:00:00Z");
  CHECK(find(coverage, "web").horizon().valid_days() == 2);
  CHECK(find(coverage, "mail").status() == "idle");
  CHECK(find(coverage, "gone").status() == "not-in-inventory");
  CHECK(find(coverage, "(unattributed)").flows() == 1);
}

TEST_CASE("fan-out counts peers without port and keeps the own namespace apart", "[answers]") {
  Bench bench;
  fill(bench);

  const auto fanout = ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, {});
  const auto web = find(fanout, "web");

  CHECK(fanout.items_size() == 2);  // web and gone: what was never seen is not zero
  CHECK(web.destinations() == 2);
  CHECK(web.services() == 1);
  CHECK(web.external() == 1);
  CHECK(web.own() == 1);
  CHECK(std::vector<std::string>(web.ports().begin(), web.ports().end()) ==
        std::vector<std::string>{"53/UDP", "443/TCP"});
  CHECK(web.first_seen() == "2026-05-18T08:00:00Z");
}

TEST_CASE("a named namespace is answered even without data", "[answers]") {
  Bench bench;
  fill(bench);
  v1::FanoutRequest request;
  request.mutable_scope()->add_namespaces("mail");

  const auto fanout = ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, request);

  REQUIRE(fanout.items_size() == 1);
  CHECK(fanout.items(0).destinations() == 0);
  CHECK(fanout.items(0).horizon().valid_days() == 2);
}

TEST_CASE("a window leaves out what is older", "[answers]") {
  Bench bench;
  fill(bench);
  v1::CoverageRequest request;
  request.mutable_scope()->set_window_ns(nanoseconds(std::chrono::hours(1)).count());

  const auto coverage = ask<v1::CoverageRequest, v1::CoverageAnswer>(bench, request);

  CHECK(coverage.context().from() == "2026-05-20T00:00:00Z");
  CHECK(find(coverage, "web").flows() == 2);
  CHECK(find(coverage, "web").horizon().valid_days() == 0);
}

TEST_CASE("flows come in parts, the context in the first, and stop at the limit", "[answers]") {
  Bench bench;
  std::vector<store::History> many;
  for (int i = 0; i < 2500; ++i) {
    many.push_back(flow("web", {"198.51.100.7", static_cast<std::uint16_t>(i + 1)}, kNow));
  }
  bench.add(std::move(many));
  std::vector<int> parts;
  bool context_first = false;
  const auto take = [&](const v1::FlowsAnswer& part) {
    if (parts.empty()) context_first = part.has_context();
    parts.push_back(part.items_size());
    return true;
  };

  REQUIRE(answer_flows(bench.backend(), {}, take).ok());
  CHECK(context_first);
  CHECK(parts == std::vector<int>{0, 1000, 1000, 500});
  parts.clear();
  v1::FlowsRequest limited;
  limited.set_limit(1000);
  REQUIRE(answer_flows(bench.backend(), limited, take).ok());
  CHECK(parts == std::vector<int>{0, 1000});
}

TEST_CASE("flows stop when nobody reads any more", "[answers]") {
  Bench bench;
  fill(bench);
  int calls = 0;

  REQUIRE(
      answer_flows(bench.backend(), {}, [&](const v1::FlowsAnswer&) { return ++calls < 1; }).ok());

  CHECK(calls == 1);
}

TEST_CASE("explain names who talks to an address and what the policy says", "[answers]") {
  Bench bench;
  fill(bench);
  auto inferred = flow("web", {"198.51.100.7"}, "2026-05-19T08:00:00Z");
  inferred.raw.apart = kFlowInferred;
  bench.add({inferred});
  v1::ExplainRequest request;
  request.set_destination("198.51.100.7");

  const auto explained = ask<v1::ExplainRequest, v1::ExplainAnswer>(bench, request);

  CHECK(explained.peer_kind() == "external");
  REQUIRE(explained.items_size() == 2);
  CHECK(explained.items(0).namespace_() == "web");
  CHECK(explained.items(0).workload() == "Deployment/web");
  CHECK(explained.items(0).days() == 2);
  CHECK(explained.items(0).established() == 2);
  CHECK(explained.items(0).rule().starts_with("allow: "));
  CHECK(explained.items(1).rule().starts_with("no rule: seen mid-conversation"));
}

TEST_CASE("explain of an unknown source gives no rule", "[answers]") {
  Bench bench;
  fill(bench);
  v1::ExplainRequest request;
  request.set_destination("198.51.100.9");

  const auto explained = ask<v1::ExplainRequest, v1::ExplainAnswer>(bench, request);

  REQUIRE(explained.items_size() == 1);
  CHECK(explained.items(0).namespace_() == "(unattributed)");
  CHECK(explained.items(0).rule().starts_with("no rule: "));
}

TEST_CASE("a policy needs the horizon, or the word of the user, and evidence in any case",
          "[answers]") {
  Bench bench;
  fill(bench);
  v1::PolicyRequest request;
  const auto strict = ask<v1::PolicyRequest, v1::PolicyAnswer>(bench, request);
  request.set_allow_insufficient(true);
  const auto lenient = ask<v1::PolicyRequest, v1::PolicyAnswer>(bench, request);

  CHECK(strict.items().empty());
  for (const auto& one : strict.refused()) CHECK_FALSE(one.reason().empty());
  CHECK(find(lenient, "web").path() == "egress-web.yaml");
  CHECK(find(lenient, "web").rules() >= 2);
  CHECK(find(lenient, "web").content().ends_with("\n"));
  for (const auto& item : lenient.items()) CHECK(item.namespace_() != "mail");
}

TEST_CASE("what was watched long enough and never sent may be denied all", "[answers]") {
  Bench bench;
  for (int i = 10; i < 20; ++i) bench.watch("w1", "2026-05-" + std::to_string(i), {"mail"});
  v1::PolicyRequest request;
  request.mutable_scope()->add_namespaces("mail");

  const auto policy = ask<v1::PolicyRequest, v1::PolicyAnswer>(bench, request);

  REQUIRE(policy.items_size() == 1);
  CHECK(policy.items(0).rules() == 0);
  CHECK(policy.items(0).horizon().valid_days() == 10);
}

TEST_CASE("new shows what was first seen since, judged by all that is kept", "[answers]") {
  Bench bench;
  fill(bench);
  v1::NewRequest request;
  request.set_since_ns(nanoseconds(std::chrono::hours(36)).count());
  request.mutable_scope()->add_namespaces("web");
  request.mutable_scope()->set_window_ns(1);

  const auto news = ask<v1::NewRequest, v1::NewAnswer>(bench, request);

  CHECK(news.since() == "2026-05-19T00:00:00Z");
  for (const auto& row : news.items()) CHECK(row.peer() != "198.51.100.7");
  bool dns = false;
  for (const auto& row : news.items()) {
    dns = dns || (row.change() == "new" && row.peer() == "service kube-system/kube-dns");
  }
  CHECK(dns);
}

TEST_CASE("status tells reporting, late and never seen agents apart", "[answers]") {
  Bench bench;
  bench.watch("w1", "2026-05-20", {"web"});
  bench.watch("w2", "2026-05-19", {});

  const auto status = ask<v1::StatusRequest, v1::StatusAnswer>(bench, {});

  REQUIRE(status.items_size() == 3);
  CHECK(status.items(0).state() == "reporting");
  CHECK(status.items(0).agent_version() == "0.1.0");
  CHECK(status.items(1).state() == "late");
  CHECK(status.items(1).seconds_behind() == 12 * 3600);
  CHECK(status.items(2).state() == "never-seen");
  CHECK(status.namespaces() == 7);
}

TEST_CASE("a request that makes no sense is INVALID_ARGUMENT and names the field", "[answers]") {
  const Bench bench;
  const auto refused = [&](const auto& request, auto given, const std::string& field) {
    const auto status = answer(bench.backend(), request, given);
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(status.error_message().find(field) != std::string::npos);
  };
  v1::FanoutRequest fanout;
  fanout.mutable_scope()->set_window_ns(-1);
  v1::TiersRequest tiers;
  tiers.set_preset("hope");
  v1::PlanRequest plan;
  plan.set_preset("hope");
  v1::BaselineRequest baseline;
  baseline.set_percent(101);
  v1::PolicyRequest policy;
  policy.set_order(std::numeric_limits<double>::infinity());

  refused(fanout, v1::FanoutAnswer(), "window_ns");
  refused(tiers, v1::TiersAnswer(), "preset");
  refused(plan, v1::PlanAnswer(), "preset");
  refused(baseline, v1::BaselineAnswer(), "percent");
  refused(policy, v1::PolicyAnswer(), "order");
  refused(v1::NewRequest(), v1::NewAnswer(), "since_ns");
  refused(v1::ExplainRequest(), v1::ExplainAnswer(), "destination");
}

TEST_CASE("windows at the ends of time answer too", "[answers]") {
  Bench bench;
  fill(bench);
  v1::FanoutRequest fanout;
  fanout.mutable_scope()->set_window_ns(std::numeric_limits<std::int64_t>::max());
  v1::NewRequest news;
  news.set_since_ns(std::numeric_limits<std::int64_t>::max());

  CHECK(ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, fanout).items_size() == 2);
  CHECK(ask<v1::NewRequest, v1::NewAnswer>(bench, news).items_size() > 0);
}

TEST_CASE("a selector without an inventory selects nothing that is not named", "[answers]") {
  Bench bench;
  fill(bench);
  bench.select = *inventory::LabelSelector::parse("tier in (front)");
  bench.current.set(std::make_shared<const inventory::Snapshot>(inventory::Model(), TimePoint()));
  v1::PolicyRequest policy;
  policy.set_allow_insufficient(true);
  v1::FanoutRequest named;
  named.mutable_scope()->add_namespaces("web");

  CHECK(ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, {}).items().empty());
  CHECK(ask<v1::PolicyRequest, v1::PolicyAnswer>(bench, policy).items().empty());
  CHECK(ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, named).items_size() == 1);
}

TEST_CASE("an old imported line does not make what agents saw incomplete", "[answers]") {
  Bench bench;
  fill(bench);
  auto logged = flow("web", {"198.51.100.7"}, "2026-04-01T08:00:00Z");
  logged.raw.evidence = store::Evidence::Log;
  bench.add({logged});

  const auto fanout = ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, {});

  CHECK(fanout.context().from() == "2026-04-01T00:00:00Z");
  CHECK(fanout.context().incomplete_nodes().empty());
  CHECK(find(fanout, "web").horizon().valid_days() == 2);
  CHECK_FALSE(find(fanout, "web").horizon().incomplete());
}

TEST_CASE("an agent that was away when the window began is a gap, however long before",
          "[answers]") {
  Bench bench;
  bench.watch("w1", "2026-05-10", {"web"});
  fill(bench);
  v1::FanoutRequest request;
  request.mutable_scope()->set_window_ns(nanoseconds(std::chrono::hours(24 * 4)).count());

  const auto fanout = ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, request);

  CHECK(fanout.context().from() == "2026-05-16T00:00:00Z");
  REQUIRE(fanout.context().incomplete_nodes_size() == 1);
  CHECK(fanout.context().incomplete_nodes(0) == "w1");
  CHECK(find(fanout, "web").horizon().incomplete());
}

TEST_CASE("a namespace without a record has no tier, in tiers as in the plan", "[answers]") {
  Bench bench;
  fill(bench);
  v1::TiersRequest tiers;
  v1::PlanRequest plan;
  for (const char* name : {"typo", "mail", "edge", "web"}) {
    tiers.mutable_scope()->add_namespaces(name);
    plan.mutable_scope()->add_namespaces(name);
  }

  const auto judged = ask<v1::TiersRequest, v1::TiersAnswer>(bench, tiers);
  const auto planned = ask<v1::PlanRequest, v1::PlanAnswer>(bench, plan);

  for (const char* name : {"typo", "mail", "edge"}) {
    INFO(name);
    CHECK(find(judged, name).tier() == "-");
    CHECK(find(judged, name).rule().starts_with("no evidence"));
    CHECK(find(judged, name).boundary().empty());
    CHECK(find(planned, name).tier() == "-");
    CHECK(find(planned, name).wave() == "hold");
    CHECK(find(planned, name).reason().starts_with("no evidence"));
  }
  CHECK(find(judged, "web").tier() == "B");
}

TEST_CASE("an unknown namespace is refused as such", "[answers]") {
  Bench bench;
  fill(bench);
  v1::PolicyRequest request;
  request.mutable_scope()->add_namespaces("typo");

  const auto policy = ask<v1::PolicyRequest, v1::PolicyAnswer>(bench, request);

  REQUIRE(policy.refused_size() == 1);
  CHECK(policy.refused(0).reason() ==
        "not-in-inventory: neither the inventory nor the evidence knows a namespace of this name");
}

TEST_CASE("a refusal of what was not seen says why in the words of coverage", "[answers]") {
  Bench bench;
  fill(bench);
  const auto policy = ask<v1::PolicyRequest, v1::PolicyAnswer>(bench, {});
  const auto coverage = ask<v1::CoverageRequest, v1::CoverageAnswer>(bench, {});

  for (const char* name : {"batch", "edge", "far", "blind"}) {
    const auto seen = find(coverage, name);
    INFO(name);
    const auto refused = std::find_if(policy.refused().begin(), policy.refused().end(),
                                      [&](const auto& one) { return one.namespace_() == name; });
    REQUIRE(refused != policy.refused().end());
    CHECK(refused->reason() == seen.status() + ": " + seen.reason());
  }
}

TEST_CASE("days alone are missing where pods were watched and opened nothing", "[answers]") {
  Bench bench;
  fill(bench);
  v1::PolicyRequest policy;
  policy.mutable_scope()->add_namespaces("mail");

  const auto refused = ask<v1::PolicyRequest, v1::PolicyAnswer>(bench, policy);

  REQUIRE(refused.refused_size() == 1);
  CHECK(refused.refused(0).reason().starts_with(
      "idle: pods were watched and opened nothing; a policy would deny all its egress on no "
      "evidence (2 of 7 wanted days were observed whole"));
}

TEST_CASE("a plan holds what waiting does not help with its reason, and no count of days",
          "[answers]") {
  Bench bench;
  fill(bench);

  const auto planned = ask<v1::PlanRequest, v1::PlanAnswer>(bench, {});

  CHECK(find(planned, "edge").wave() == "hold");
  CHECK(find(planned, "edge").reason() ==
        "no evidence: host-network: its pods use the host's network: traffic leaves with the "
        "node's address, no policy selects it");
  CHECK(find(planned, "far").reason() ==
        "no evidence: agent-missing: runs on node w3, from where no agent reports");
  CHECK(find(planned, "mail")
            .reason()
            .starts_with("no evidence: nothing was sent in 2 valid days; 2 of 7 valid days ("));
}

TEST_CASE("the context names the namespaces asked about that nobody knows", "[answers]") {
  Bench bench;
  fill(bench);
  v1::FanoutRequest request;
  for (const char* name : {"typo", "mail", "gone", "(unattributed)"}) {
    request.mutable_scope()->add_namespaces(name);
  }

  const auto context = ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, request).context();

  REQUIRE(context.unknown_namespaces_size() == 1);
  CHECK(context.unknown_namespaces(0) == "typo");
  CHECK(ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, {}).context().unknown_namespaces().empty());
}

TEST_CASE("a policy that cannot be said is refused with that reason", "[answers]") {
  Bench bench;
  fill(bench);
  bench.add({flow("no_name", {"198.51.100.7"}, "2026-05-20T09:00:00Z")});
  v1::PolicyRequest request;
  request.set_allow_insufficient(true);
  request.mutable_scope()->add_namespaces("no_name");

  const auto policy = ask<v1::PolicyRequest, v1::PolicyAnswer>(bench, request);

  REQUIRE(policy.refused_size() == 1);
  CHECK(policy.refused(0).reason() ==
        "the namespace's name is no Kubernetes name, nothing could select it");
}

TEST_CASE("a service asked for by name heads the answer, also when pods were dialled themselves",
          "[answers]") {
  Bench bench;
  fill(bench);
  bench.add({flow("web", {"10.244.1.9", 53, Protocol::Udp}, "2026-05-20T09:00:00Z")});
  v1::ExplainRequest request;
  request.set_destination("service/kube-system/kube-dns");

  const auto both = ask<v1::ExplainRequest, v1::ExplainAnswer>(bench, request);
  request.mutable_scope()->set_window_ns(1);
  const auto pods_only = ask<v1::ExplainRequest, v1::ExplainAnswer>(bench, request);

  CHECK(both.items_size() == 2);
  CHECK(both.peer() == "service kube-system/kube-dns");
  CHECK(pods_only.items_size() == 1);
  CHECK(pods_only.peer_kind() == "service");
}

TEST_CASE("a protocol without ports and without a name cannot be read as a port", "[answers]") {
  Bench bench;
  fill(bench);
  bench.add({flow("web", {"198.51.100.7", 0, static_cast<Protocol>(47)}, "2026-05-20T09:00:00Z")});

  const auto web = find(ask<v1::FanoutRequest, v1::FanoutAnswer>(bench, {}), "web");

  CHECK(web.ports(0) == "proto-47");
}

}  // namespace outflow::api
