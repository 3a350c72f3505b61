#include "aggregator/apply/admit.h"

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::apply;

namespace {

net::Prefix net_of(const std::string& text) {
  const auto net = net::Prefix::parse(text);
  REQUIRE(net);
  return *net;
}
std::string why(const std::string& text, const std::vector<net::Prefix>& allowed = {}) {
  return why_not(net_of(text), allowed);
}

}  // namespace

TEST_CASE("addresses and ranges of the internet may be in a set", "[apply]") {
  for (const char* net : {"8.8.8.8", "20.0.0.0/8", "198.51.100.7/32", "192.0.2.0/24",
                          "2606:4700::1111", "2a00:1450:4000::/36", "2001:db8::1", "172.15.0.0/16",
                          "172.32.0.0/16", "100.128.0.0/16", "192.0.1.0/24"}) {
    INFO(net);
    CHECK(why(net).empty());
  }
}

TEST_CASE("a default route and what is shorter than /8 or /20 is too wide", "[apply]") {
  for (const char* net : {"0.0.0.0/0", "::/0", "8.0.0.0/7", "2600::/19", "128.0.0.0/1"}) {
    INFO(net);
    CHECK(why(net) == "too_wide");
  }
}

TEST_CASE("an answer cannot open the inside of a network", "[apply]") {
  for (const char* net :
       {"10.96.0.1", "10.0.0.0/8", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
        "198.18.0.1", "fc00::1", "fd00:96::1", "172.0.0.0/8", "192.0.0.0/8"}) {
    INFO(net);
    CHECK_FALSE(why(net).empty());
  }
  CHECK(why("10.96.0.1") == "private");
  CHECK(why("fd00:96::1") == "private");
}

TEST_CASE("loopback, link-local, the metadata service, multicast and reserved never pass",
          "[apply]") {
  const std::vector<net::Prefix> everything_inside = {net_of("169.254.0.0/16"),
                                                      net_of("127.0.0.0/8"), net_of("fe80::/10")};
  for (const char* net :
       {"127.0.0.1", "0.0.0.0", "169.254.169.254", "169.0.0.0/8", "224.0.0.1", "255.255.255.255",
        "240.0.0.0/8", "::1", "::", "fe80::1", "ff02::1", "2001::1", "64:ff9b:1::a00:1", "1::1"}) {
    INFO(net);
    CHECK(why(net, everything_inside) == "special");
  }
}

TEST_CASE("an IPv6 way to an IPv4 address is what that address is", "[apply]") {
  CHECK(why("64:ff9b::808:808").empty());
  CHECK(why("64:ff9b::a60:1") == "private");      // 10.96.0.1
  CHECK(why("64:ff9b::a9fe:a9fe") == "special");  // 169.254.169.254
  CHECK(why("64:ff9b::/96") == "too_wide");       // all of IPv4
  CHECK(why("2002:a60:1::1") == "private");
  CHECK(why("2002:808:808::/48").empty());
  CHECK(why("::ffff:10.96.0.1") == "private");
}

TEST_CASE("a range of the inside that is allowed is, and no other", "[apply]") {
  const std::vector<net::Prefix> allowed = {net_of("10.20.0.0/16"), net_of("fd00:20::/32")};

  CHECK(why("10.20.3.4", allowed).empty());
  CHECK(why("fd00:20::1", allowed).empty());
  CHECK(why("10.21.0.1", allowed) == "private");
  CHECK(why("10.0.0.0/8", allowed) == "private");  // more than what is allowed
}

TEST_CASE("what is refused is told once a reason, with its number and the first of it", "[apply]") {
  const Admitted admitted = admit({"8.8.8.8", "10.0.0.1", "8.8.8.8/32", "10.0.0.2", "10.0.0.3",
                                   "10.0.0.4", "nonsense", "1.1.1.1"},
                                  {});

  CHECK(admitted.nets == std::vector<net::Prefix>{net_of("1.1.1.1"), net_of("8.8.8.8")});
  CHECK(admitted.refusals ==
        std::vector<Refusal>{
            {"not_a_net", "1 of its nets: nonsense"},
            {"private", "4 of its nets: 10.0.0.1/32, 10.0.0.2/32, 10.0.0.3/32, ..."}});
}
