#include "agent/said_hello.h"

#include "tests/support/catch.h"
#include "tests/support/hello.h"

using namespace outflow;
using namespace outflow::agent;
using namespace outflow::test;

namespace {

Result<Hello> read(const HelloBytes& bytes) {
  static const HelloReader reader = *HelloReader::open();
  return reader.read(bytes);
}

// The list of RFC 6066 3 with one entry.
HelloBytes name_list(const std::string& name, std::uint8_t kind = 0) {
  const auto size = static_cast<std::uint8_t>(name.size());
  HelloBytes list{0, static_cast<std::uint8_t>(size + 3), kind, 0, size};
  list.insert(list.end(), name.begin(), name.end());
  return list;
}

Result<Hello> read_named(const HelloBytes& list) {
  return read(with_extension(make_hello(""), kExtensionServerName, list));
}

}  // namespace

TEST_CASE("a hello's server name is read in our text form", "[said]") {
  CHECK(read(make_hello("api.example.com")) == Hello{"api.example.com", false});
  CHECK(read(make_hello("API.Example.com")) == Hello{"api.example.com", false});
  CHECK(read_named(name_list("api.example.com.")) == Hello{"api.example.com", false});
  CHECK(read_named(name_list("_service.a-b.example")) == Hello{"_service.a-b.example", false});
}

TEST_CASE("a hello without a name, or with an address for one, has none", "[said]") {
  CHECK(read(make_hello("")) == Hello{"", false});
  CHECK(read_named(name_list("192.0.2.1")) == Hello{"", false});
  CHECK(read_named(name_list("2001:db8::1")) == Hello{"", false});
}

TEST_CASE("a hello with an inner one says that its name is the outer", "[said]") {
  const HelloBytes grease(64, 0x5a);
  CHECK(read(with_extension(make_hello("public.example"), kExtensionEch, grease)) ==
        Hello{"public.example", true});
  CHECK(read(with_extension(make_hello(""), kExtensionEch, grease)) == Hello{"", true});
}

TEST_CASE("a hello over several TLS records is one", "[said]") {
  const HelloBytes hello = make_hello("api.example.com");
  for (const std::size_t size : {1, 4, 100}) {
    INFO(size);
    CHECK(read(in_records(hello, size)) == Hello{"api.example.com", false});
  }
}

TEST_CASE("a hello as long as any that is copied is read, and what follows one is not", "[said]") {
  CHECK(read(with_extension(make_hello("a.example"), kExtensionPadding, HelloBytes(7'000)))
            .has_value());
  HelloBytes followed = make_hello("a.example");
  followed.resize(followed.size() + 100, 0xff);
  CHECK(read(followed) == Hello{"a.example", false});
}

TEST_CASE("a server name that can be no host is refused", "[said]") {
  for (const HelloBytes& list :
       {name_list(""), name_list("a..b"), name_list(".a"), name_list("a b"), name_list("a/b"),
        name_list(std::string("a\0b", 3)), name_list("b\303\274cher.example"),
        name_list(std::string(64, 'a')), name_list(std::string(64, 'a') + ".example"),
        name_list("a.example", 1), HelloBytes{}, HelloBytes{0, 9},
        HelloBytes{0, 9, 0, 0, 9, 'a'}}) {
    const auto hello = read_named(list);
    REQUIRE_FALSE(hello.has_value());
    CHECK(hello.error().what == "its server name is no host name");
  }
  HelloBytes longer = name_list("a.example");
  longer.push_back(0);
  CHECK_FALSE(read_named(longer).has_value());
}

TEST_CASE("a hello cut anywhere, and what is none, is refused", "[said]") {
  const HelloBytes hello = make_hello("api.example.com");
  for (std::size_t size = 0; size < hello.size(); ++size) {
    const HelloBytes cut(hello.begin(), hello.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(read(cut).has_value());
  }
  HelloBytes other = hello;
  other[5] = 2;  // a ServerHello
  CHECK_FALSE(read(other).has_value());
  CHECK_FALSE(read(HelloBytes(300, 0x16)).has_value());
  const std::string request = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
  CHECK_FALSE(read(HelloBytes(request.begin(), request.end())).has_value());
  // Whatever came before, the next one is read.
  CHECK(read(hello).has_value());
}
