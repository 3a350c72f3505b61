#include "aggregator/access/review.h"

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::access;
using outflow::test::has_text;

namespace {

constexpr const char* kOurs = "outflow-aggregator";

// As a Kubernetes 1.34 answers for a pod's projected token.
constexpr const char* kGood = R"({"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1",
  "metadata":{"creationTimestamp":null},"spec":{"token":"t","audiences":["outflow-aggregator"]},
  "status":{"authenticated":true,"user":{
    "username":"system:serviceaccount:outflow-system:outflow-agent","uid":"1d4c",
    "groups":["system:serviceaccounts","system:authenticated"],
    "extra":{"authentication.kubernetes.io/credential-id":["JTI=1"],
      "authentication.kubernetes.io/node-name":["k8s-w1"],
      "authentication.kubernetes.io/node-uid":["n-uid"],
      "authentication.kubernetes.io/pod-name":["outflow-agent-x7"],
      "authentication.kubernetes.io/pod-uid":["p-uid"]}},
    "audiences":["outflow-aggregator"]}})";

std::string reviewed(const std::string& status) {
  return R"({"kind":"TokenReview","status":)" + status + "}";
}

}  // namespace

TEST_CASE("a good token tells its user, groups, node and pod", "[access]") {
  const auto read = read_token_review({201, kGood}, kOurs);
  REQUIRE(read);
  REQUIRE(*read);

  CHECK((*read)->name == "system:serviceaccount:outflow-system:outflow-agent");
  CHECK((*read)->groups.size() == 2);
  CHECK((*read)->node == "k8s-w1");
  CHECK((*read)->pod == "outflow-agent-x7");
  CHECK((*read)->pod_uid == "p-uid");
}

TEST_CASE("a token that is not authenticated, or for others, is nobody's", "[access]") {
  for (const char* status :
       {R"({"user":{},"error":"invalid bearer token"})", R"({"authenticated":false})",
        R"({"authenticated":true,"user":{"username":"ann"}})",
        R"({"authenticated":true,"user":{"username":"ann"},"audiences":["https://kubernetes"]})"}) {
    const auto read = read_token_review({201, reviewed(status)}, kOurs);

    REQUIRE(read);
    CHECK_FALSE(*read);
  }
}

TEST_CASE("an answer that is no review is refused with where and why", "[access]") {
  struct Row {
    int status;
    std::string body;
    std::string why;
  };
  for (const Row& row : std::vector<Row>{
           {201, "", "no JSON"},
           {201, "[]", "no object"},
           {201, "{}", "status: none"},
           {403, R"({"kind":"Status","message":"tokenreviews is forbidden"})", "403: tokenreviews"},
           {201, reviewed(R"({"authenticated":"yes"})"), "authenticated: not a boolean"},
           {201, reviewed(R"({"authenticated":true,"audiences":["outflow-aggregator"]})"), "user"},
           {201, reviewed(R"({"authenticated":true,"audiences":7})"), "audiences: not a list"},
           {201, reviewed(R"({"authenticated":true,"audiences":["outflow-aggregator"],
                        "user":{"username":"ann","groups":[1]}})"),
            "groups: not strings"}}) {
    const auto read = read_token_review({row.status, row.body}, kOurs);

    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().what, has_text(row.why));
  }
}

TEST_CASE("names cannot leave their place in a review", "[access]") {
  const auto body = access_review("ann\",\"groups\":[\"system:masters\"],\"x\":\"\n", {"a\\"},
                                  {"get", "", "x", "", ""});
  REQUIRE(body);

  CHECK_THAT(*body, has_text(R"("user":"ann\",\"groups\":[\"system:masters\"],\"x\":\"\u000a")"));
  CHECK_THAT(*body, has_text(R"("groups":["a\\"])"));
  CHECK_FALSE(access_review("\xff", {}, {"get", "", "namespaces", "a", "a"}));
}

TEST_CASE("allowed is allowed only when it is not denied as well", "[access]") {
  const auto read = [](const std::string& status) {
    return read_access_review({201, R"({"status":)" + status + "}"});
  };

  CHECK(*read(R"({"allowed":true})"));
  CHECK_FALSE(*read(R"({"allowed":true,"denied":true})"));
  CHECK_FALSE(*read(R"({"allowed":false,"reason":"no"})"));
  CHECK_FALSE(*read("{}"));
  CHECK_FALSE(read(R"({"allowed":1})"));
}

TEST_CASE("the end of a token is its exp, when it says one", "[access]") {
  // {"alg":"none"} . {"exp":1779100000}
  CHECK(token_end("eyJhbGciOiJub25lIn0.eyJleHAiOjE3NzkxMDAwMDB9.x") ==
        TimePoint(std::chrono::seconds(1'779'100'000)));
  for (const char* text : {"", "opaque", "a.b.c", "a..c", "a.e30.c", "a.eyJleHAiOiJ4In0.c"}) {
    CHECK_FALSE(token_end(text));
  }
}
