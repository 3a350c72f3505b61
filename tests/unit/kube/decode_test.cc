#include "aggregator/kube/decode.h"

#include <vector>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "tests/support/catch.h"
#include "tests/support/kube_text.h"
#include "tests/unit/kube/recorded.h"

using namespace outflow;
using namespace outflow::kube;
using test::has_text;
using test::recorded;
using test::text_of;

namespace {

struct Listed {
  ListMeta meta;
  std::vector<Item> items;
  std::vector<std::string> texts;
};
Listed listed(const Source& source, const std::string& body) {
  Listed all;
  auto meta = decode_list(source, body, [&](Item item) {
    INFO(item.problem);
    CHECK((item.object.has_value() || !item.problem.empty()));
    if (item.object) all.texts.push_back(text_of(*item.object));
    all.items.push_back(std::move(item));
  });
  REQUIRE(meta);
  all.meta = *meta;
  return all;
}

// A protobuf message by hand.
std::string field(std::uint32_t number, const std::string& bytes) {
  std::string text;
  {
    google::protobuf::io::StringOutputStream stream(&text);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.WriteVarint32((number << 3U) | 2U);
    out.WriteVarint32(static_cast<std::uint32_t>(bytes.size()));
    out.WriteString(bytes);
  }
  return text;
}
std::string envelope(const std::string& kind, const std::string& message) {
  return std::string("k8s\0", 4) + field(1, field(1, "v1") + field(2, kind)) + field(2, message);
}
std::string meta(const std::string& namespace_name, const std::string& name) {
  return field(1, field(1, name) + field(3, namespace_name));
}

}  // namespace

TEST_CASE("protobuf and JSON of the same objects say the same") {
  const std::vector<std::pair<Kind, std::string>> kinds{{Kind::Namespace, "namespaces"},
                                                        {Kind::Node, "nodes"},
                                                        {Kind::Pod, "pods"},
                                                        {Kind::Service, "services"},
                                                        {Kind::EndpointSlice, "endpointslices"},
                                                        {Kind::NetworkPolicy, "networkpolicies"},
                                                        {Kind::ReplicaSet, "replicasets"}};
  for (const auto& [kind, name] : kinds) {
    const Listed binary = listed({kind, Encoding::Protobuf}, recorded(name + ".pb"));
    const Listed json = listed({kind, Encoding::Json}, recorded(name + ".json"));
    INFO(name);
    CHECK_FALSE(binary.texts.empty());
    CHECK(binary.texts == json.texts);
    CHECK(binary.texts.size() == binary.items.size());
    CHECK(binary.meta.resource_version == json.meta.resource_version);
    for (std::size_t i = 0; i < binary.items.size(); ++i) {
      CHECK(binary.items[i].uid == json.items[i].uid);
      CHECK(binary.items[i].resource_version == json.items[i].resource_version);
      CHECK_FALSE(binary.items[i].uid.empty());
    }
  }
}

TEST_CASE("a pod of a real server has its addresses, ports, owner and times") {
  const auto pods = listed({Kind::Pod, Encoding::Protobuf}, recorded("pods.pb")).texts;

  REQUIRE(pods.size() == 2);
  CHECK_THAT(pods[0], has_text("[Pod] rec/done uid="));
  CHECK_THAT(pods[0], has_text(" node=n1 phase=Succeeded of=Pod/done host-network ip=192.0.2.7 "
                               "started=2026-05-18T10:00:00Z ended=2026-05-18T10:05:00Z"));
  CHECK_THAT(pods[1], has_text(" phase=Running of=ReplicaSet/web-abc ip=10.244.1.5 ip=fd00:1::5 "
                               "app=web pod-template-hash=abc port=http:8080:6 port=:53:17 "
                               "port=metrics:15090:6 started=2026-05-18T10:00:00Z ended=1970"));
}

TEST_CASE("services, slices, policies and nodes of a real server are read whole") {
  const auto of = [](Kind kind, const char* name) {
    return listed({kind, Encoding::Protobuf}, recorded(name)).texts;
  };

  CHECK(of(Kind::Service, "services.pb") ==
        std::vector<std::string>{
            "[Service] rec/headless type=ClusterIP port=:5432->5432:0:6 app=web",
            "[Service] rec/web type=LoadBalancer ip=10.96.77.1 outside=198.51.100.9 "
            "outside=203.0.113.80 port=a:80->http:30080:6 port=b:443->8443:30443:17 app=web"});
  CHECK(of(Kind::EndpointSlice, "endpointslices.pb") ==
        std::vector<std::string>{
            "[EndpointSlice] rec/names of=web",
            "[EndpointSlice] rec/web-x of=web rec/web=10.244.1.5:8080:6 rec/web=10.244.1.5:8443:17 "
            "rec/web=10.244.1.6:8080:6 rec/web=10.244.1.6:8443:17"});
  CHECK(
      of(Kind::NetworkPolicy, "networkpolicies.pb") ==
      std::vector<std::string>{"[NetworkPolicy] rec/egress egress", "[NetworkPolicy] rec/ingress"});
  CHECK(of(Kind::Node, "nodes.pb") ==
        std::vector<std::string>{
            "[Node] n1 ip=192.0.2.7 ip=203.0.113.7 cidr=10.244.1.0/24 cidr=fd00:1::/64"});
  CHECK(of(Kind::ReplicaSet, "replicasets.pb") ==
        std::vector<std::string>{"[ReplicaSet] rec/web-abc of=Deployment/web"});
}

TEST_CASE("a page that is not the last says where to go on") {
  const Listed page = listed({Kind::Namespace, Encoding::Protobuf}, recorded("page.pb"));

  CHECK(page.items.size() == 2);
  CHECK_FALSE(page.meta.continue_token.empty());
  CHECK_FALSE(page.meta.resource_version.empty());
}

TEST_CASE("a real WatchList is its pods and a bookmark that says that these were all") {
  for (const auto& [encoding, name] : {std::pair{Encoding::Protobuf, "watchlist.pb"},
                                       std::pair{Encoding::Json, "watchlist.json"}}) {
    std::vector<EventType> types;
    bool end = false;
    FrameSplitter splitter(encoding);
    REQUIRE(splitter.feed(recorded(name), [&, encoding = encoding](std::string_view frame) {
      const auto event = decode_event({Kind::Pod, encoding}, frame);
      REQUIRE(event);
      types.push_back(event->type);
      CHECK_FALSE(event->item.resource_version.empty());
      end = event->item.initial_events_end;
      return true;
    }));

    INFO(name);
    CHECK(types == std::vector{EventType::Added, EventType::Added, EventType::Bookmark});
    CHECK(end);
  }
}

TEST_CASE("one object that cannot be read leaves the others of its list as they are") {
  const std::string bad_address = meta("web", "a") + field(3, field(6, "10.0.0"));
  const std::string no_text = meta("web", "b") + field(2, field(10, "\xff\xfe"));
  const std::string broken = meta("web", "c") + field(3, "\x0a\x7f");
  const std::string good = meta("web", "d") + field(3, field(1, "Running") + field(6, "10.0.0.1"));
  std::string list = field(1, field(2, "77"));
  for (const std::string& pod : {bad_address, no_text, broken, field(1, field(1, "e")), good}) {
    list += field(2, pod);
  }
  const Listed pods = listed({Kind::Pod, Encoding::Protobuf}, envelope("PodList", list));

  CHECK(pods.meta.resource_version == "77");
  REQUIRE(pods.items.size() == 5);
  CHECK_THAT(pods.items[0].problem, has_text("Pod web/a: status.podIP: "));
  CHECK(pods.items[1].problem == "Pod web/b: spec.nodeName: is no UTF-8 text");
  CHECK(pods.items[2].problem == "Pod web/c: status: is no such protobuf message");
  CHECK(pods.items[3].problem == "Pod e: metadata.namespace: is missing");
  CHECK_THAT(pods.texts.at(0), has_text("[Pod] web/d"));
}

TEST_CASE("a list of JSON reads on after an object that cannot be read") {
  const Listed pods = listed(
      {Kind::Pod, Encoding::Json},
      R"({"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[)"
      R"({"metadata":{"name":"a","namespace":"web"},"status":{"podIP":7}},)"
      R"({"metadata":{"name":"b","namespace":"web","uid":"u"},"status":{"podIP":"10.0.0.2"}}]})");

  REQUIRE(pods.items.size() == 2);
  CHECK(pods.items[0].problem == "Pod web/a: status.podIP: is no text");
  CHECK_THAT(pods.texts.at(0), has_text("[Pod] web/b uid=u"));
}

TEST_CASE("an error event and an error body say the code, the reason and when to come back") {
  const std::string status = field(1, field(3, "more")) + field(3, "too old") +
                             field(4, "Expired") + field(5, std::string("\x28\x07", 2)) +
                             std::string("\x30\x9a\x03", 3);
  const auto event =
      decode_event({Kind::Pod, Encoding::Protobuf},
                   field(1, "ERROR") + field(2, field(1, envelope("Status", status))));
  const Status json = decode_status(
      R"({"kind":"Status","code":429,"reason":"TooManyRequests","details":{"retryAfterSeconds":3}})",
      429);
  const Status html = decode_status("<html>\nno\n", 502);

  REQUIRE(event);
  CHECK(event->type == EventType::Error);
  CHECK(event->status.code == 410);
  CHECK(event->status.reason == "Expired");
  CHECK(event->status.continue_token == "more");
  CHECK(event->status.retry_after_seconds == 7);
  CHECK(json.retry_after_seconds == 3);
  CHECK(html.code == 502);
  CHECK(html.message == "<html>?no");
}

TEST_CASE("a real server says in a good stream that a version is too old") {
  int events = 0;
  FrameSplitter splitter(Encoding::Protobuf);
  REQUIRE(splitter.feed(recorded("expired_watch.pb"), [&](std::string_view frame) {
    const auto event = decode_event({Kind::Pod, Encoding::Protobuf}, frame);
    REQUIRE(event);
    CHECK(event->type == EventType::Error);
    CHECK(event->status.code == 410);
    CHECK(event->status.message == "too old resource version: 1 (241)");
    return ++events > 0;
  }));

  CHECK(events == 1);
}

TEST_CASE("what is no list and no event is refused with what it is") {
  const auto ignore = [](const Item&) {};
  const Source pods{Kind::Pod, Encoding::Protobuf};
  CHECK(decode_list(pods, envelope("Pod", ""), ignore).error().what == "a Pod instead of a list");
  CHECK_THAT(decode_list({Kind::Pod, Encoding::Json}, "{", ignore).error().what, has_text("JSON"));
  CHECK_THAT(decode_event(pods, field(1, "MOVED")).error().what, has_text("unknown type 'MOVED'"));
  CHECK_THAT(decode_event(pods, field(1, "ADDED") + field(2, field(1, "x"))).error().what,
             has_text("a watch event's object: "));
}
