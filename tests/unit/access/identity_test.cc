#include "aggregator/access/identity.h"

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::access;

namespace {

tls::Certificate certificate(const std::string& name, std::vector<std::string> organizations,
                             std::vector<std::string> uris = {}) {
  tls::Certificate made;
  made.common_name = name;
  made.organizations = std::move(organizations);
  made.uris = std::move(uris);
  return made;
}

}  // namespace

TEST_CASE("an agent is named by its URI, or by common name and organization", "[access]") {
  for (const auto& made : {certificate("any", {}, {"outflow://agent/k8s-w1"}),
                           certificate("any", {"admins"}, {"spiffe://x", "outflow://agent/k8s-w1"}),
                           certificate("k8s-w1", {"outflow:agents"})}) {
    const auto identity = identity_of(made);

    REQUIRE(identity);
    CHECK(identity->role == Role::Agent);
    CHECK(identity->name == "k8s-w1");
    CHECK(identity->groups.empty());
  }
}

TEST_CASE("any other certificate is a user's, organizations are groups", "[access]") {
  const auto identity = identity_of(certificate("ann", {"dev", "outflow:admins"}));

  REQUIRE(identity);
  CHECK(identity->role == Role::User);
  CHECK(identity->name == "ann");
  CHECK(identity->groups == std::vector<std::string>{"dev", "outflow:admins"});
}

TEST_CASE("a certificate that names nobody, or an agent badly, is nobody's", "[access]") {
  CHECK_FALSE(identity_of(certificate("", {"dev"})));
  CHECK_FALSE(identity_of(certificate("not a node", {"outflow:agents"})));
  CHECK_FALSE(identity_of(certificate("ann", {}, {"outflow://agent/"})));
  CHECK_FALSE(identity_of(certificate("ann", {}, {"outflow://agent/a/b"})));
  CHECK_FALSE(identity_of(certificate("", {}, {"outflow://agent/a", "outflow://agent/b"})));
}
