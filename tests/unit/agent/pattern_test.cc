#include "agent/pattern.h"

#include "tests/support/catch.h"

using namespace outflow::agent;

TEST_CASE("a name matches when one of the patterns does", "[pattern]") {
  const std::vector<std::string> patterns{"cali*", "lxc????", "veth[0-9a-f]*", "\\*x"};

  CHECK(matches_any(patterns, "cali814aae5e834"));
  CHECK(matches_any(patterns, "lxc1234"));
  CHECK(matches_any(patterns, "veth0"));
  CHECK(matches_any(patterns, "*x"));
  CHECK_FALSE(matches_any(patterns, "xcali1"));
  CHECK_FALSE(matches_any(patterns, "lxc12345"));
  CHECK_FALSE(matches_any(patterns, "vethz"));
  CHECK_FALSE(matches_any(patterns, "ax"));
  CHECK_FALSE(matches_any({}, "cali1"));
}

TEST_CASE("a pattern that can match nothing is refused", "[pattern]") {
  CHECK(glob_error("cali*").empty());
  CHECK(glob_error("veth[!a]").empty());
  CHECK(glob_error("a\\[b").empty());
  CHECK_FALSE(glob_error("").empty());
  CHECK_FALSE(glob_error("ca li").empty());
  CHECK_FALSE(glob_error("cali[0-9").empty());
  CHECK_FALSE(glob_error("cali\n").empty());
}
