#include "aggregator/kube/tls_stream.h"

#include "aggregator/kube/tls_context.h"
#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::kube;
using test::has_text;

TEST_CASE("a server's address comes apart into host, port and prefix") {
  struct Case {
    const char* server;
    const char* host;
    const char* port;
    const char* authority;
    const char* prefix;
  };
  const Case c = GENERATE(
      values<Case>({{"https://10.96.0.1:443", "10.96.0.1", "443", "10.96.0.1:443", ""},
                    {"https://[fd00::1]:6443", "fd00::1", "6443", "[fd00::1]:6443", ""},
                    {"https://[fd00::1]/k8s", "fd00::1", "443", "[fd00::1]", "/k8s"},
                    {"https://api.example/k8s/x", "api.example", "443", "api.example", "/k8s/x"}}));
  const auto parts = authority_of(c.server);

  REQUIRE(parts);
  CHECK(parts->host == c.host);
  CHECK(parts->port == c.port);
  CHECK(parts->authority == c.authority);
  CHECK(parts->prefix == c.prefix);
}

TEST_CASE("an address that names no server is refused, and said") {
  const std::string server =
      GENERATE("http://x", "https://", "https://:443", "https://x:", "https://x:y", "https://u@x");
  const auto parts = authority_of(server);

  REQUIRE_FALSE(parts);
  CHECK_THAT(parts.error().what, has_text(server));
}

TEST_CASE("credentials that TLS cannot use are refused by the field, and nothing is sent") {
  struct Case {
    const char* ca;
    const char* certificate;
    const char* why;
  };
  const Case c = GENERATE(values<Case>(
      {{"no PEM", "", "certificate-authority: "}, {"", "no PEM", "client-certificate: "}}));
  Credentials credentials;
  credentials.ca = c.ca;
  credentials.client_certificate = c.certificate;
  const auto side = client_side(credentials, "x", -1);

  REQUIRE_FALSE(side);
  CHECK_THAT(side.error().what, has_text(c.why));
}
