#include "common/net/prefix.h"

#include "tests/support/catch.h"

using outflow::net::Address;
using outflow::net::Prefix;

TEST_CASE("a prefix is canonical however it was written", "[prefix]") {
  CHECK(Prefix::parse("10.1.2.3/8")->to_string() == "10.0.0.0/8");
  CHECK(*Prefix::parse("10.1.2.3/8") == *Prefix::parse("10.0.0.0/8"));
  CHECK(Prefix::parse("2001:db8:ffff::1/33")->to_string() == "2001:db8:8000::/33");
  CHECK(Prefix::parse("192.0.2.1")->to_string() == "192.0.2.1/32");
  CHECK(Prefix::parse("0.0.0.0/0")->to_string() == "0.0.0.0/0");
}

TEST_CASE("a prefix holds exactly its own family's addresses", "[prefix]") {
  const auto v4 = *Prefix::parse("0.0.0.0/0");
  const auto v6 = *Prefix::parse("::/0");

  CHECK(v4.contains(*Address::parse("203.0.113.9")));
  CHECK_FALSE(v4.contains(*Address::parse("2001:db8::1")));
  CHECK(v6.contains(*Address::parse("2001:db8::1")));
  CHECK_FALSE(v6.contains(*Address::parse("203.0.113.9")));
  CHECK(Prefix::parse("172.16.0.0/12")->contains(*Address::parse("172.31.255.255")));
  CHECK_FALSE(Prefix::parse("172.16.0.0/12")->contains(*Address::parse("172.32.0.0")));
}

TEST_CASE("what is no prefix is refused", "[prefix]") {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::/129"}) {
    CHECK_FALSE(Prefix::parse(text));
  }
}
