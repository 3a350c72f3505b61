// What is refused, and how the answer says where.
#include <string>

#include "aggregator/inventory/kube_json.h"
#include "tests/support/catch.h"
#include "tests/support/kube.h"

namespace outflow::inventory {
namespace {

using test::json;
using test::list;
using test::pod;

std::string error_of(const std::string& text) {
  const auto model = read_model(text);
  return model ? "" : model.error().what;
}

std::string error_in_pod(const std::string& rest) {
  return error_of(
      list({pod("web", "good", "10.1.0.1"),
            json({.kind = "Pod", .namespace_name = "web", .name = "web-1", .rest = rest})}));
}

TEST_CASE("an error names item, object and field", "[kube_errors]") {
  CHECK(error_in_pod(R"("status":{"podIPs":[{"ip":"x"}]})") ==
        "items[1] (Pod web/web-1): status.podIPs[0].ip: 'x' is no IPv4 or IPv6 address");
  CHECK(error_in_pod(R"("status":[])") == "items[1] (Pod web/web-1): status: is no object");
  CHECK(error_in_pod(R"("status":{"podIPs":{}})") ==
        "items[1] (Pod web/web-1): status.podIPs: is no list");
  CHECK(error_in_pod(R"("status":{"podIPs":["10.1.0.1"]})") ==
        "items[1] (Pod web/web-1): status.podIPs[0]: is no object");
  CHECK(error_in_pod(R"("status":{"phase":7})") ==
        "items[1] (Pod web/web-1): status.phase: is no text");
  CHECK(error_in_pod(R"("spec":{"hostNetwork":"yes"})") ==
        "items[1] (Pod web/web-1): spec.hostNetwork: is neither true nor false");
  CHECK(error_in_pod(R"("spec":{"containers":[{"ports":[{"containerPort":65536}]}]})") ==
        "items[1] (Pod web/web-1): spec.containers[0].ports[0].containerPort: "
        "is no port (0..65535)");
  CHECK(
      error_in_pod(R"("spec":{"containers":[{"ports":[{"containerPort":1,"protocol":"47"}]}]})") ==
      "items[1] (Pod web/web-1): spec.containers[0].ports[0].protocol: "
      "'47' is none of TCP, UDP, SCTP");
  CHECK_THAT(error_in_pod(R"("status":{"startTime":"yesterday"})"),
             Catch::Matchers::StartsWith("items[1] (Pod web/web-1): status.startTime: "));
}

TEST_CASE("an object without the name that finds it again is refused", "[kube_errors]") {
  CHECK(error_of(list({json({.kind = "Pod", .name = "web-1"})})) ==
        "items[0] (Pod web-1): metadata.namespace: is missing");
  CHECK(error_of(list({R"({"kind":"Namespace"})"})) ==
        "items[0] (Namespace): metadata.name: is missing");
  CHECK(
      error_of(list({pod("web", "a", "10.1.0.1", R"("ownerReferences":[{"controller":true}])")})) ==
      "items[0] (Pod web/a): metadata.ownerReferences[0].kind: is missing");
  CHECK_THAT(error_of(list({R"({"metadata":{"name":"x"}})"})),
             Catch::Matchers::StartsWith("items[0]"));
  CHECK_THAT(error_of(list({"7"})), Catch::Matchers::StartsWith("items[0]"));
  CHECK_THAT(error_of(list({"null"})), Catch::Matchers::StartsWith("items[0]"));
}

TEST_CASE("one bad object refuses all of it", "[kube_errors]") {
  CHECK_FALSE(
      error_of(list({pod("web", "good", "10.1.0.1"), pod("web", "bad", "10.1.0.256")})).empty());
  CHECK_FALSE(
      error_of(list({pod("web", "good", "10.1.0.1")}) + list({pod("web", "bad", "10.1.0.256")}))
          .empty());
}

TEST_CASE("later documents say which they are", "[kube_errors]") {
  CHECK_THAT(
      error_of(list({pod("web", "good", "10.1.0.1")}) + list({pod("web", "bad", "10.1.0.256")})),
      Catch::Matchers::StartsWith("document 2: items[0] (Pod web/bad): status.podIP: "));
}

TEST_CASE("what is no Kubernetes object is refused", "[kube_errors]") {
  for (const char* text : {"", " \n", "[]", "7", "null", "\"text\"", "apiVersion: v1", "{}",
                           R"({"kind":"List"})", R"({"kind":"List","items":{}})",
                           R"({"kind":"List","items":[]} and more)", "\xff\xfe{}", "{]}"}) {
    INFO(text);
    CHECK_FALSE(error_of(text).empty());
  }
}

TEST_CASE("the API server's refusal is no empty inventory", "[kube_errors]") {
  CHECK(error_of(R"({"kind":"Status","apiVersion":"v1","status":"Failure",
                     "message":"pods is forbidden"})") ==
        "a Status instead of objects: pods is forbidden");
}

TEST_CASE("a text cut short anywhere is refused and never a smaller inventory", "[kube_errors]") {
  const std::string whole = list({pod("web", "a", "10.1.0.1"), pod("web", "b", "10.1.0.2")}) +
                            list({pod("web", "c", "10.1.0.3")});
  const std::size_t first_end = whole.find("]}\n") + 3;
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    // Between two documents nothing tells that a second was meant.
    if (size == first_end || size + 1 == first_end) continue;
    INFO(size);
    CHECK_FALSE(error_of(whole.substr(0, size)).empty());
  }
  CHECK(error_of(whole).empty());
}

TEST_CASE("a text nested too deep is refused", "[kube_errors]") {
  const std::string open(200000, '[');
  CHECK_FALSE(error_of(R"({"kind":"Secret","data":)" + open).empty());
  CHECK_FALSE(
      error_of(R"({"kind":"Secret","data":)" + open + std::string(200000, ']') + "}").empty());
}

TEST_CASE("an error stays one line of bearable length, whatever the file holds", "[kube_errors]") {
  const std::string error = error_in_pod("\"status\":{\"podIP\":\"a\\nlevel=error\\u0007" +
                                         std::string(5000, 'x') + "\"}");
  CHECK_FALSE(error.empty());
  CHECK(error.size() < 500);
  CHECK(error.find('\n') == std::string::npos);
  CHECK(error.find('\a') == std::string::npos);
}

}  // namespace
}  // namespace outflow::inventory
