#include "aggregator/store/bytes.h"

#include <limits>
#include <random>
#include <vector>

#include "tests/support/catch.h"

using namespace outflow;
using store::Reader;
using store::Writer;

TEST_CASE("what was written reads back", "[store]") {
  const std::int64_t numbers[] = {0,
                                  1,
                                  -1,
                                  127,
                                  128,
                                  -64,
                                  std::numeric_limits<std::int64_t>::max(),
                                  std::numeric_limits<std::int64_t>::min()};
  for (const std::int64_t number : numbers) {
    std::string bytes;
    Writer out(bytes);
    out.signed_varint(number);
    out.varint(static_cast<std::uint64_t>(number));
    out.text("a text");
    out.big_endian(0xabcd, 2);

    Reader in(bytes);
    CHECK(in.signed_varint() == number);
    CHECK(in.varint() == static_cast<std::uint64_t>(number));
    CHECK(in.text() == "a text");
    CHECK(in.big_endian(2) == 0xabcd);
    CHECK(in.done());
  }
}

TEST_CASE("bytes that are cut anywhere are said to be cut", "[store]") {
  std::string bytes;
  Writer out(bytes);
  out.varint(300);
  out.text("name");
  out.key_text("key");
  out.key_day(Day());
  out.address(*net::Address::parse("2001:db8::1"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Reader in(std::string_view(bytes).substr(0, size));
    in.varint();
    in.text();
    in.key_text();
    in.key_day();
    in.address();
    CHECK_FALSE(in.done());
  }
}

TEST_CASE(
    "a length beyond the end, an eleventh byte of a number and an address of five bytes are errors",
    "[store]") {
  Reader length("\xff\xff\xff\xff\xff\xff\xff\xff\x7fxyz");
  CHECK(length.text().empty());
  CHECK_FALSE(length.ok());
  Reader number("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  number.varint();
  CHECK_FALSE(number.ok());
  Reader address(
      "\x05"
      "12345");
  address.address();
  CHECK_FALSE(address.ok());
}

TEST_CASE("key bytes compare as the texts do, and no text is the start of another", "[store]") {
  std::mt19937 random(7);
  std::vector<std::string> texts = {"",
                                    std::string(1, '\0'),
                                    "a",
                                    std::string("a\0", 2),
                                    std::string("a\0\x01", 3),
                                    "a\x01",
                                    "ab",
                                    "\xff",
                                    "\xff\xff"};
  for (int n = 0; n < 200; ++n) {
    std::string text;
    for (auto left = random() % 5; left > 0; --left) {
      text.push_back(
          "\0\x01\xff"
          "ab"[random() % 5]);
    }
    texts.push_back(text);
  }
  const auto key = [](const std::string& text) {
    std::string bytes;
    Writer(bytes).key_text(text);
    return bytes;
  };
  for (const std::string& a : texts) {
    const std::string bytes = key(a);
    Reader back(bytes);
    CHECK(back.key_text() == a);
    CHECK(back.done());
    for (const std::string& b : texts) {
      CHECK((key(a) < key(b)) == (a < b));
      CHECK((a == b || !key(b).starts_with(key(a))));
    }
  }
}

TEST_CASE("days before 1970 sort before those after", "[store]") {
  const auto key = [](int days) {
    std::string bytes;
    Writer(bytes).key_day(Day(std::chrono::days(days)));
    return bytes;
  };
  CHECK(key(-1) < key(0));
  CHECK(key(0) < key(20'000));
  const std::string bytes = key(-5);
  CHECK(Reader(bytes).key_day() == Day(std::chrono::days(-5)));
}
