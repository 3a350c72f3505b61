#include "common/telemetry.h"

#include <httplib.h>

#include <prometheus/counter.h>

#include "tests/support/catch.h"

using outflow::Telemetry;

TEST_CASE("readiness is said by status and reason, metrics as Prometheus text", "[telemetry]") {
  const auto telemetry = Telemetry::start("127.0.0.1:0");
  REQUIRE(telemetry);
  auto& family = prometheus::BuildCounter()
                     .Name("outflow_test_total")
                     .Help("h")
                     .Register((*telemetry)->registry());
  outflow::raise_to(family.Add({{"reason", "x"}}), 41);
  outflow::raise_to(family.Add({{"reason", "x"}}), 40);
  httplib::Client client("127.0.0.1", (*telemetry)->port());

  CHECK(client.Get("/healthz")->status == 200);
  CHECK(client.Get("/readyz")->status == 503);
  CHECK(client.Get("/readyz")->body == "starting\n");
  (*telemetry)->set_ready(true, "");
  CHECK(client.Get("/readyz")->status == 200);
  CHECK(client.Get("/metrics")->body.find("outflow_test_total{reason=\"x\"} 41") !=
        std::string::npos);
}

TEST_CASE("a listen address that is none is refused", "[telemetry]") {
  for (const char* listen : {"nonsense", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:8x"}) {
    CHECK_FALSE(Telemetry::start(listen));
  }
}

TEST_CASE("no listen address, no server", "[telemetry]") {
  CHECK((*Telemetry::start(""))->port() == 0);
}
