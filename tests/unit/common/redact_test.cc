#include "common/redact.h"

#include "common/line_budget.h"
#include "tests/support/catch.h"

using outflow::log::hide_external_addresses;

TEST_CASE("addresses of the internet are hidden wherever they stand", "[redact]") {
  for (const auto& [text, hidden] : std::initializer_list<std::pair<const char*, const char*>>{
           {"192.0.2.10", "[external]"},
           {"to 192.0.2.10:443 and 2001:db8::1.", "to [external]:443 and [external]."},
           {"peer=ipv4:192.0.2.10:443", "peer=ipv4:[external]:443"},
           {"peer=ipv6:%5B2001:db8::1%5D:443", "peer=ipv6:%5B[external]%5D:443"},
           {"[2001:db8::1]:53: refused", "[[external]]:53: refused"},
           {"192.0.2.10: refused", "[external]: refused"},
           {"8.8.8.8,8.8.4.4", "[external],[external]"},
           {"::ffff:192.0.2.10", "::ffff:[external]"}}) {
    CHECK(hide_external_addresses(text) == hidden);
  }
}

TEST_CASE("the cluster's own addresses, times and versions stay", "[redact]") {
  for (const char* text :
       {"10.244.3.17:443", "172.31.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1:7443",
        "[::1]:7443", "fe80::1", "fd00::1", "time=2026-11-25T04:06:25.747Z", "version=1.51.1",
        "1.2.3.4.5", "00:11:22:33:44:55", "cafe.example",
        "error=\"flows.protocol[1]: out of range\"", ""}) {
    CHECK(hide_external_addresses(text) == text);
  }
}

TEST_CASE("a name that is logged as external is hidden by the switch alone", "[redact]") {
  CHECK(outflow::log::external("example.org") == "example.org");
  outflow::log::set_redact_external(true);
  CHECK(outflow::log::external("example.org") == "[external]");
  outflow::log::set_redact_external(false);
}

TEST_CASE("strangers cause so many lines a minute, and the rest is counted", "[redact]") {
  outflow::log::LineBudget budget;
  const outflow::SteadyTime start{std::chrono::hours(1)};
  for (int i = 0; i < outflow::log::LineBudget::kLinesPerMinute; ++i) {
    CHECK(budget.spend(start) == 0U);
  }

  CHECK_FALSE(budget.spend(start + std::chrono::seconds(59)));
  CHECK_FALSE(budget.spend(start + std::chrono::seconds(59)));
  CHECK(budget.spend(start + std::chrono::seconds(60)) == 2U);
  CHECK(budget.spend(start + std::chrono::seconds(60)) == 0U);
}
