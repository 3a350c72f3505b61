#include "common/net/special.h"

#include "tests/support/catch.h"

using outflow::net::Address;
using outflow::net::Prefix;
using outflow::net::Special;
using outflow::net::special_of;

namespace {

Special of_address(std::string_view text) {
  return special_of(*Address::parse(text));
}
Special of_prefix(std::string_view text) {
  return special_of(*Prefix::parse(text));
}

}  // namespace

TEST_CASE("an address of a special-purpose range is told from one of the internet") {
  CHECK(of_address("169.254.169.254") == Special::Metadata);
  CHECK(of_address("169.254.20.10") == Special::Private);
  CHECK(of_address("fe80::1") == Special::Private);
  CHECK(of_address("224.0.0.251") == Special::Multicast);
  CHECK(of_address("0.0.0.0") == Special::Unspecified);
  CHECK(of_address("::1") == Special::Loopback);
  CHECK(of_address("192.0.2.1") == Special::None);
  CHECK(of_address("2001:db8::1") == Special::None);
}

TEST_CASE("a prefix is special when it lies in such a range, or around one") {
  CHECK(of_prefix("10.1.0.0/16") == Special::Private);
  CHECK(of_prefix("fd00::/8") == Special::Private);
  CHECK(of_prefix("172.0.0.0/8") == Special::Private);
  CHECK(of_prefix("0.0.0.0/0") == Special::Metadata);
  CHECK(of_prefix("::/0") != Special::None);
  CHECK(of_prefix("11.0.0.0/8") == Special::None);
  CHECK(of_prefix("2600::/20") == Special::None);
}
