#include "aggregator/kube/decode.h"
#include "tests/support/catch.h"
#include "tests/support/kube_text.h"

using namespace outflow;
using namespace outflow::kube;
using test::text_of;

namespace {

std::string read(Kind kind, const std::string& object, bool crd = false) {
  std::string text;
  const auto meta = decode_list(
      {kind, Encoding::Json, crd},
      R"({"kind":"XList","metadata":{"resourceVersion":"1"},"items":[)" + object + "]}",
      [&](const Item& item) { text = item.object ? text_of(*item.object) : item.problem; });
  REQUIRE(meta);
  return text;
}

}  // namespace

TEST_CASE("a Calico policy says its tier, order, selectors and what its egress rules do") {
  const std::string policy =
      R"({"metadata":{"name":"security.p"},"spec":{"tier":"security","order":12.5,)"
      R"("selector":"app == 'x'","namespaceSelector":"tier == 'a'","serviceAccountSelector":"global",)"
      R"("types":["Ingress","Egress"],"egress":[{"action":"Log"},{"action":"Allow"},{"action":"Pass"}]}})";

  CHECK(read(Kind::GlobalCalicoPolicy, policy) ==
        "[GlobalNetworkPolicy] security.p tier=security order=12.500000 pods=app == 'x' "
        "namespaces=tier == 'a' accounts=global egress allows passes");
}

TEST_CASE("a policy without types is one of egress when it has egress rules") {
  CHECK(
      read(
          Kind::CalicoPolicy,
          R"({"metadata":{"name":"p","namespace":"web"},"spec":{"egress":[{"action":"Deny"}]}})") ==
      "[Calico NetworkPolicy] web/p tier=default pods= namespaces= accounts= egress denies");
  CHECK(
      read(
          Kind::CalicoPolicy,
          R"({"metadata":{"name":"p","namespace":"web"},"spec":{"ingress":[{"action":"Deny"}]}})") ==
      "[Calico NetworkPolicy] web/p tier=default pods= namespaces= accounts=");
}

TEST_CASE("only in Calico's own store does a policy of the default tier have its name prefixed") {
  const std::string policy = R"({"metadata":{"name":"default.p"},"spec":{"tier":"default"}})";
  const std::string other = R"({"metadata":{"name":"default.p"},"spec":{"tier":"other"}})";

  CHECK(read(Kind::GlobalCalicoPolicy, policy, true).starts_with("[GlobalNetworkPolicy] p "));
  CHECK(read(Kind::GlobalCalicoPolicy, policy).starts_with("[GlobalNetworkPolicy] default.p "));
  CHECK(
      read(Kind::GlobalCalicoPolicy, other, true).starts_with("[GlobalNetworkPolicy] default.p "));
}

TEST_CASE("labels of a network set are found where Calico's own store keeps them") {
  const std::string set =
      R"({"metadata":{"name":"s","annotations":{"projectcalico.org/metadata":"{\"labels\":{\"a\":\"b\"}}"}},)"
      R"("spec":{"nets":["192.0.2.0/24","2001:db8::1"]}})";

  CHECK(read(Kind::GlobalNetworkSet, set, true) ==
        "[GlobalNetworkSet] s a=b net=192.0.2.0/24 net=2001:db8::1/128");
  CHECK(read(Kind::GlobalNetworkSet, set) ==
        "[GlobalNetworkSet] s net=192.0.2.0/24 net=2001:db8::1/128");
}

TEST_CASE("a tier may have no order, and denies what no policy of it decides unless it says Pass") {
  CHECK(read(Kind::CalicoTier, R"({"metadata":{"name":"t"},"spec":{}})") ==
        "[Tier] t default=Deny");
  CHECK(read(Kind::CalicoTier,
             R"({"metadata":{"name":"t"},"spec":{"order":100,"defaultAction":"Pass"}})") ==
        "[Tier] t order=100.000000 default=Pass");
}

TEST_CASE("what a custom resource should not say is named with its place") {
  CHECK(read(Kind::GlobalCalicoPolicy, R"({"metadata":{"name":"p"},"spec":{"order":"first"}})") ==
        "GlobalNetworkPolicy p: spec.order: is no number");
  CHECK(read(Kind::GlobalCalicoPolicy,
             R"({"metadata":{"name":"p"},"spec":{"egress":[{"action":"Drop"}]}})") ==
        "GlobalNetworkPolicy p: spec.egress[0].action: 'Drop' is none of Allow, Deny, Log, Pass");
}
