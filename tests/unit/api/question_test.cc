#include "aggregator/api/question.h"

#include "aggregator/api/coverage.h"
#include "tests/unit/api/samples.h"

namespace outflow::api {
namespace {

using Names = std::vector<std::string>;

std::vector<store::NodeDay> whole_days(const std::string& node, const Names& dates) {
  std::vector<store::NodeDay> days;
  for (const auto& date : dates) {
    days.push_back({node, day(date), std::chrono::hours(24), {}, {}});
  }
  return days;
}

store::NodeMark mark(const std::string& node, const std::string& last) {
  store::NodeMark made;
  made.node = node;
  made.last_end = at(last);
  return made;
}

const Interval kWindow{at("2026-05-18T00:00:00Z"), at(kNow)};

}  // namespace

TEST_CASE("the system's namespaces are selected only when they are named", "[question]") {
  const inventory::LabelSelector all;
  const Names with_data{"kube-system", "web"};

  CHECK(select_namespaces({{}, with_data}, snapshot(), all) ==
        Names{"batch", "blind", "edge", "far", "mail", "web"});
  const Names named{"kube-system", "web", "web"};
  CHECK(select_namespaces({named, with_data}, snapshot(), all) == Names{"kube-system", "web"});
}

TEST_CASE("the selector chooses by label, and a named namespace needs no label", "[question]") {
  const auto front = inventory::LabelSelector::parse("tier in (front)");
  REQUIRE(front);

  CHECK(select_namespaces({{}, {}}, snapshot(), *front) == Names{"mail", "web"});
  const Names named{"batch"};
  CHECK(select_namespaces({named, {}}, snapshot(), *front) == Names{"batch"});
}

TEST_CASE("namespaces with data that the inventory lost are shown, and so are unknown sources",
          "[question]") {
  const inventory::LabelSelector all;
  const Names with_data{"", "gone", "web"};

  CHECK(select_namespaces({{}, with_data}, snapshot(), all) ==
        Names{"", "batch", "blind", "edge", "far", "gone", "mail", "web"});
  const Names named{std::string(kUnattributed)};
  CHECK(select_namespaces({named, with_data}, snapshot(), all) == Names{""});
}

TEST_CASE("a namespace whose labels nobody knows is not selected by label, only by name",
          "[question]") {
  const auto front = inventory::LabelSelector::parse("tier=front");
  const Names with_data{"", "batch", "gone", "web"};

  CHECK(select_namespaces({{}, with_data}, snapshot(), *front) == Names{"", "mail", "web"});
  const inventory::Snapshot unread({}, {});
  CHECK(select_namespaces({{}, with_data}, unread, *front) == Names{""});
  const Names named{"gone"};
  CHECK(select_namespaces({named, with_data}, snapshot(), *front) == Names{"gone"});
}

TEST_CASE("the window is whole UTC days and holds all of the time asked for", "[question]") {
  const auto from = [](std::int64_t hours, const char* first) {
    return to_text(window_of(std::chrono::hours(hours), day(first), at(kNow)).start);
  };

  CHECK(from(0, "2026-04-01") == "2026-04-01T00:00:00Z");
  CHECK(from(1, "2026-04-01") == "2026-05-20T00:00:00Z");
  CHECK(from(24, "2026-04-01") == "2026-05-19T00:00:00Z");
  CHECK(from(24 * 7, "2026-05-18") == "2026-05-18T00:00:00Z");  // nothing is kept from before
  CHECK(from(0, "2026-06-01") == "2026-05-20T00:00:00Z");       // an agent's clock runs ahead
  CHECK(window_of(nanoseconds::max(), std::nullopt, at(kNow)).start == TimePoint(day(kNow)));
}

TEST_CASE("a node of the inventory without a report is missing, not incomplete", "[watch]") {
  const auto days = whole_days("w1", {"2026-05-18", "2026-05-19"});
  const std::vector<store::NodeMark> marks{mark("w1", "2026-05-20T11:59:55Z")};

  const auto watches = watch_nodes({days, marks, kWindow}, snapshot());

  CHECK(watches.at("w1").reported);
  CHECK_FALSE(watches.at("w3").reported);
  CHECK(watches.at("w3").trouble.empty());
}

TEST_CASE("a node's first day is no gap, a later day not covered is", "[watch]") {
  auto days = whole_days("w1", {"2026-05-18", "2026-05-19"});
  days[0].covered = std::chrono::hours(3);
  const std::vector<store::NodeMark> marks{mark("w1", "2026-05-20T00:00:05Z")};
  const auto trouble = [&] {
    return watch_nodes({days, marks, {kWindow.start, at("2026-05-20T00:00:10Z")}}, snapshot())
        .at("w1")
        .trouble;
  };

  CHECK(trouble().empty());
  days[1].covered = std::chrono::hours(23);
  CHECK(trouble() == "did not report all of 2026-05-19");
}

TEST_CASE("the window's first day is a gap when the agent was there before", "[watch]") {
  auto days = whole_days("w1", {"2026-05-17", "2026-05-18", "2026-05-19"});
  days[1].covered = std::chrono::hours(3);
  const std::vector<store::NodeMark> marks{mark("w1", "2026-05-20T00:00:05Z")};

  const auto watches =
      watch_nodes({days, marks, {kWindow.start, at("2026-05-20T00:00:10Z")}}, snapshot());

  CHECK(watches.at("w1").trouble == "did not report all of 2026-05-18");
}

TEST_CASE("losses and a silent agent are trouble", "[watch]") {
  auto days = whole_days("w1", {"2026-05-19"});
  days[0].losses = {{"table_full", 3}};
  const std::vector<store::NodeMark> marks{mark("w1", "2026-05-20T00:00:00Z")};

  const auto watches = watch_nodes({days, marks, kWindow}, snapshot());

  CHECK(watches.at("w1").late);
  CHECK(watches.at("w1").trouble ==
        "lost data 3 times; has not reported since 2026-05-20T00:00:00Z");
}

TEST_CASE("every namespace without data has a status and a reason", "[coverage]") {
  std::vector<store::NodeDay> days = whole_days("w1", {"2026-05-19"});
  const auto more = whole_days("w2", {"2026-05-19"});
  days.insert(days.end(), more.begin(), more.end());
  const auto nodes = watch_nodes({days, {}, kWindow}, snapshot());
  const auto judge = [&](CoverageInput input) { return coverage_of(input, snapshot(), nodes); };

  CHECK(judge({"mail", {}, {"w1"}, {"w1"}, day("2026-05-19")}).status == "idle");
  CHECK(judge({"batch", {}, {}, {}, {}}).status == "no-pods");
  CHECK(judge({"batch", {}, {"w1"}, {"w1"}, day("2026-05-19")}).status == "idle");
  CHECK(judge({"edge", {}, {}, {}, {}}).status == "host-network");
  CHECK(judge({"far", {}, {}, {}, {}}).status == "agent-missing");
  CHECK(judge({"far", {}, {}, {}, {}}).reason.find("w3") != std::string::npos);
  CHECK(judge({"far", {}, {"w1"}, {"w1"}, day("2026-05-19")}).status == "agent-gap");
  CHECK(judge({"blind", {}, {}, {}, {}}).status == "not-observed");
  CHECK(judge({"gone", {1, at(kNow)}, {}, {}, {}}).status == "not-in-inventory");
  CHECK(judge({"", {1, at(kNow)}, {}, {}, {}}).status == "not-in-inventory");
  CHECK(judge({"web", {1, at(kNow)}, {"w1"}, {"w1"}, day("2026-05-19")}).status == "observed");
  CHECK(judge({"batch", {}, {}, {}, {}}).reason ==
        "no pod runs and none was watched in the window: it never had one, or is scaled to zero; "
        "it cannot be judged");
  for (const char* name : {"mail", "batch", "edge", "far", "blind", "gone"}) {
    CHECK_FALSE(judge({name, {}, {}, {}, {}}).reason.empty());
  }
}

TEST_CASE("a pod counts as watched on a node where its namespace was hooked last", "[coverage]") {
  const auto nodes = watch_nodes({{}, {}, kWindow}, snapshot());

  CHECK(
      coverage_of({"web", {}, {"w1"}, {"w1"}, day("2026-05-19")}, snapshot(), nodes).pods_watched ==
      1);
  CHECK(coverage_of({"web", {}, {"w1", "w2"}, {"w2"}, day("2026-05-19")}, snapshot(), nodes)
            .pods_watched == 0);
  CHECK(coverage_of({"edge", {}, {"w1"}, {"w1"}, day("2026-05-19")}, snapshot(), nodes)
            .pods_watched == 0);
}

TEST_CASE("a record is scanned with its peer classed by the ranges of its day", "[question]") {
  Bench bench;
  bench.watch("w1", "2026-05-19", {"web"});
  bench.add({flow("web", {"192.0.2.10"}, "2026-05-18T10:00:00Z"),
             flow("web", {"192.0.2.10"}, "2026-05-19T10:00:00Z")});
  const auto version = [](const char* service, const char* accepted) {
    return feeds::FeedVersion{
        std::make_shared<const feeds::RangeSet>(
            "AWS", std::vector<feeds::RangeClass>{{service, "north"}},
            std::vector<feeds::Range>{{*net::Prefix::parse("192.0.2.0/24"), 0}}),
        at(accepted), "file", "digest"};
  };
  const auto table = std::make_shared<const feeds::RangeTable>(std::vector<feeds::FeedHistory>{
      {{version("EC2", "2026-05-17T00:00:00Z"), version("S3", "2026-05-19T00:00:00Z")}, false}});
  Backend backend = bench.backend();
  backend.ranges = [table] { return table; };

  const auto question = Question::ask(backend, v1::Scope());
  REQUIRE(question);
  Names names;
  const auto scanned = question->scan("web", [&names](const store::History& history) {
    CHECK(history.peer.kind == attribution::PeerKind::Provider);
    names.push_back(history.peer.name);
    return true;
  });

  CHECK(scanned.ok());
  CHECK(names == Names{"AWS/EC2/north", "AWS/S3/north"});
  CHECK(question->ranges().find(address("192.0.2.10"), question->now())->service == "S3");
}

}  // namespace outflow::api
