#include "proto/endpoint.h"

#include "tests/support/catch.h"

using outflow::checked_endpoint;

TEST_CASE("loopback addresses and Unix sockets need no promise", "[endpoint]") {
  for (const char* text :
       {"127.0.0.1:7443", "127.9.9.9:1", "[::1]:7443", "localhost:0", "unix:/run/o.sock"}) {
    CHECK(checked_endpoint(text, false, "--server") == std::string(text));
  }
}

TEST_CASE("plaintext to anywhere else needs --insecure, and the error says so", "[endpoint]") {
  for (const char* text :
       {"0.0.0.0:7443", "192.0.2.1:7443", "aggregator:7443", "[2001:db8::1]:7443"}) {
    const auto refused = checked_endpoint(text, false, "--listen");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.find("--listen") != std::string::npos);
    CHECK(refused.error().what.find("--insecure") != std::string::npos);
    CHECK(checked_endpoint(text, true, "--listen"));
  }
}

TEST_CASE("what is no endpoint is refused even with --insecure", "[endpoint]") {
  for (const char* text :
       {"", "host", "host:", ":7443", "host:65536", "host:1x", "::1:7443", "unix:"}) {
    CHECK_FALSE(checked_endpoint(text, true, "--server"));
  }
}
