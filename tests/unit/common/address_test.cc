#include "common/net/address.h"

#include "tests/support/catch.h"

using outflow::net::Address;

TEST_CASE("an address reads back what it writes, in both families", "[address]") {
  for (const char* text : {"0.0.0.0", "192.0.2.7", "255.255.255.255", "::", "::1", "2001:db8::5"}) {
    CHECK(Address::parse(text)->to_string() == text);
  }
}

TEST_CASE("a mapped IPv6 address is the IPv4 address", "[address]") {
  CHECK(*Address::parse("::ffff:192.0.2.7") == *Address::parse("192.0.2.7"));
  CHECK(Address::parse("192.0.2.7")->packed().size() == 4);
  CHECK(Address::parse("2001:db8::5")->packed().size() == 16);
}

TEST_CASE("what is no address is refused by name", "[address]") {
  for (const char* text :
       {"", "1.2.3", "1.2.3.256", "fe80::1%eth0", "01.2.3.4", "hello", "1.2.3.4/32"}) {
    const auto address = Address::parse(text);
    REQUIRE_FALSE(address);
    CHECK(address.error().what.find(text) != std::string::npos);
  }
  CHECK_FALSE(Address::parse(std::string_view("1.2.3.4\0x", 9)));
}

TEST_CASE("bytes of another length than 4 or 16 are refused", "[address]") {
  const std::array<std::uint8_t, 5> bytes{1, 2, 3, 4, 5};

  CHECK_FALSE(Address::from_bytes(bytes));
  CHECK(Address::from_bytes(std::span(bytes).first(4))->to_string() == "1.2.3.4");
}
