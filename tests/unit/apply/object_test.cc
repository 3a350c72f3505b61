#include "aggregator/apply/object.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::apply;
using nlohmann::json;
using outflow::test::has_text;

TEST_CASE("a set is read with its label, its nets and what makes a write safe", "[apply]") {
  const auto set = read_set(
      R"({"metadata":{"name":"s","uid":"u","resourceVersion":"7","labels":{"outflow.dev/set":"s","n":1}},)"
      R"("spec":{"nets":["8.8.8.8","1.1.1.0/24","8.8.8.8/32","2001:db8::1"]}})",
      kCalicoApi);

  REQUIRE(set);
  CHECK(set->uid == "u");
  CHECK(set->resource_version == "7");
  CHECK(set->labels == Labels{{"outflow.dev/set", "s"}});
  REQUIRE(set->nets.size() == 3);
  CHECK(set->odd_net.empty());
}

TEST_CASE("a set that has no nets yet is empty", "[apply]") {
  for (const char* spec :
       {"", R"(,"spec":{})", R"(,"spec":{"nets":null})", R"(,"spec":{"nets":[]})"}) {
    const auto set = read_set(
        std::string(R"({"metadata":{"uid":"u","resourceVersion":"7"})") + spec + "}", kCalicoApi);
    INFO(spec);
    REQUIRE(set);
    CHECK(set->nets.empty());
  }
}

TEST_CASE("what is no set is refused with where and why", "[apply]") {
  const auto why = [](const char* text) {
    const auto set = read_set(text, kCalicoApi);
    REQUIRE_FALSE(set);
    return set.error().what;
  };
  CHECK_THAT(why("<html>"), has_text("no JSON"));
  CHECK_THAT(why("[]"), has_text("no JSON object"));
  CHECK_THAT(why("{}"), has_text("metadata"));
  CHECK_THAT(why(R"({"metadata":{"resourceVersion":"1"}})"), has_text("metadata.uid"));
  CHECK_THAT(why(R"({"metadata":{"uid":"u"}})"), has_text("metadata.resourceVersion"));
  CHECK_THAT(why(R"({"metadata":{"uid":"u","resourceVersion":"1"},"spec":{"nets":{}}})"),
             has_text("spec.nets"));
  CHECK_THAT(why(R"({"metadata":{"uid":"u","resourceVersion":"1"},"spec":{"nets":[1]}})"),
             has_text("spec.nets"));
}

TEST_CASE("a net that is none is told, and not lost", "[apply]") {
  const auto set = read_set(
      R"({"metadata":{"uid":"u","resourceVersion":"1"},"spec":{"nets":["a\nb","1.1.1.1"]}})",
      kCalicoApi);
  REQUIRE(set);
  CHECK(set->odd_net == "a b");
}

TEST_CASE("in Calico's store labels may be hidden in an annotation", "[apply]") {
  const char* const text =
      R"({"metadata":{"uid":"u","resourceVersion":"1","annotations":{"projectcalico.org/metadata":)"
      R"("{\"labels\":{\"outflow.dev/set\":\"s\"}}"}}})";

  CHECK(read_set(text, kCalicoStore)->labels == Labels{{"outflow.dev/set", "s"}});
  CHECK(read_set(text, kCalicoApi)->labels.empty());
}

TEST_CASE("what is applied is the nets of the object that was read, and nothing else", "[apply]") {
  const Current current{"u", "7", {{"team", "web"}}, {}, {}};
  const auto net = net::Prefix::parse("8.8.8.8");
  REQUIRE(net);
  const json patch = json::parse(nets_patch(kCalicoStore, "s", current, {*net}));

  CHECK(patch ==
        json::parse(R"({"apiVersion":"crd.projectcalico.org/v1","kind":"GlobalNetworkSet",)"
                    R"("metadata":{"name":"s","uid":"u","resourceVersion":"7"},)"
                    R"("spec":{"nets":["8.8.8.8/32"]}})"));
}

TEST_CASE("a new set has our label whatever was wanted, and no nets", "[apply]") {
  const Wanted wanted{.name = "s",
                      .namespace_name = "shop",
                      .labels = {{"a", "\"b\n"}, {"outflow.dev/set", "other"}},
                      .annotations = {{"c", "d"}},
                      .nets = {"8.8.8.8"}};
  const json set = json::parse(new_set(kCalicoApi, wanted));

  CHECK(
      set["metadata"] ==
      json::parse(
          R"({"name":"s","labels":{"a":"\"b\n","outflow.dev/set":"s"},"annotations":{"c":"d"}})"));
  CHECK_FALSE(set.contains("spec"));
}

TEST_CASE("a refusal of the API server is told apart and shown", "[apply]") {
  const Trouble owned = read_trouble(
      R"({"kind":"Status","message":"Apply failed with 1 conflict: conflict with \"argocd\"",)"
      R"("details":{"name":"s","causes":[{"reason":"FieldManagerConflict","field":".spec.nets"}]}})");
  CHECK(owned.owned_by_other);
  CHECK(owned.names_object);
  CHECK_THAT(owned.message, has_text("argocd"));

  const Trouble modified = read_trouble(R"({"message":"modified","details":{"name":"s"}})");
  CHECK_FALSE(modified.owned_by_other);
  CHECK_FALSE(read_trouble(R"({"message":"no such kind","details":{}})").names_object);
  CHECK(read_trouble("upstream\nfailed").message == "upstream failed");
}
