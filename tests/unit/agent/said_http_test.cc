#include "agent/said_http.h"

#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::agent;

namespace {

Result<std::string> read(const std::string& head) {
  return read_request_host({reinterpret_cast<const std::uint8_t*>(head.data()), head.size()});
}

Result<std::string> read_host(const std::string& value) {
  return read("GET / HTTP/1.1\r\nHost:" + value + "\r\n\r\n");
}

}  // namespace

TEST_CASE("a request's Host is read wherever it stands and however it is written", "[said]") {
  CHECK(read("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n") == "www.example.com");
  CHECK(read("POST /a b HTTP/1.0\nAccept: */*\nhOsT:WWW.Example.com.\n\nbody") ==
        "www.example.com");
  CHECK(read("GET http://other.example/ HTTP/1.1\r\nA: b\r\n host: folded\r\nHost:\t a.example "
             "\r\n") == "a.example");
  CHECK(read("M-SEARCH * HTTP/1.1\r\nHOST: a.example\r\n\r\n") == "a.example");
  CHECK(read("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n") == "a.example");
}

TEST_CASE("a Host's port is cut off, and an address is no name", "[said]") {
  CHECK(read_host(" a.example:8080") == "a.example");
  CHECK(read_host(" a.example:") == "a.example");
  CHECK(read_host(" 192.0.2.1") == "");
  CHECK(read_host(" 192.0.2.1:80") == "");
  CHECK(read_host(" [2001:db8::1]") == "");
  CHECK(read_host(" [2001:db8::1]:80") == "");
  CHECK(read_host("") == "");
  CHECK(read("GET / HTTP/1.0\r\nAccept: */*\r\n\r\nHost: body.example\r\n") == "");
}

TEST_CASE("a Host that can be no host is refused", "[said]") {
  for (const char* value :
       {" a b", " a/b", " a..b", " .", " [a.example]", " [2001:db8::1", " a.example:8080x",
        " a.example:123456", " a.example,b.example", " user@a.example", " b\303\274cher.example"}) {
    INFO(value);
    CHECK_FALSE(read_host(value).has_value());
  }
  CHECK_FALSE(read_host(" " + std::string(254, 'a')).has_value());
  CHECK_FALSE(read("GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n").has_value());
}

TEST_CASE("a head that is cut before its Host is whole, and what is no request, is refused",
          "[said]") {
  const std::string head = "GET / HTTP/1.1\r\nA: b\r\nHost: a.example\r\n";
  for (std::size_t size = 0; size < head.size(); ++size) {
    CHECK_FALSE(read(head.substr(0, size)).has_value());
  }
  CHECK(read(head).has_value());
  for (const char* other : {"", "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                            "get / HTTP/1.1\r\nHost: a\r\n\r\n", "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
                            " / HTTP/1.1\r\nHost: a\r\n\r\n", "RFB 003.008\nHost: a\n\n"}) {
    INFO(other);
    CHECK_FALSE(read(other).has_value());
  }
  std::string late = "GET / HTTP/1.1\r\n";
  while (late.size() < kRequestHeadMax) late += "X: y\r\n";
  CHECK_FALSE(read(late + "Host: a.example\r\n\r\n").has_value());
}
