#include "agent/said_stream.h"

#include <numeric>

#include "tests/support/catch.h"
#include "tests/unit/agent/said_records.h"

using namespace outflow;
using namespace outflow::agent;
using namespace outflow::test;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::uint16_t kPorts[] = {1, 2, 3};
using Wholes = std::vector<Bytes>;

Bytes numbers(std::size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
  return bytes;
}

struct Streams : SaidStreams {
  explicit Streams(const Bounds& bounds = {})
      : SaidStreams(bounds, [this](const Whole& whole) {
          wholes.emplace_back(whole.bytes.begin(), whole.bytes.end());
        }) {}
  bool give(const Bytes& record) { return take(record.data(), record.size()); }
  Wholes wholes;
};

}  // namespace

TEST_CASE("what comes in one part is whole at once, what comes in several at the last", "[said]") {
  Streams streams;
  const Bytes one = numbers(100);
  const Bytes other = numbers(300);
  CHECK(streams.give(said_part(other, {.size = 6, .source_port = 2})));
  CHECK(streams.give(said_whole(one)));
  CHECK(streams.give(said_part(other, {.offset = 6, .size = 200, .source_port = 2})));
  CHECK(streams.wholes == Wholes{one});
  CHECK(streams.give(said_part(other, {.offset = 206, .size = 94, .source_port = 2})));

  CHECK(streams.wholes == Wholes{one, other});
  CHECK(streams.streams() == 0);
  CHECK(streams.gaps() == 0);
}

TEST_CASE("a part that is missing makes a gap, and what follows it another", "[said]") {
  Streams streams;
  const Bytes all = numbers(300);
  streams.give(said_part(all, {.size = 100}));
  streams.give(said_part(all, {.offset = 200, .size = 50}));
  CHECK(streams.gaps() == 1);
  streams.give(said_part(all, {.offset = 250, .size = 50}));

  CHECK(streams.gaps() == 2);
  CHECK(streams.wholes.empty());
  CHECK(streams.streams() == 0);
}

TEST_CASE("a rest that does not come is a gap after a while, also over the jiffies' end",
          "[said]") {
  for (const std::uint32_t begin : {1'000U, 0xffffffffU}) {
    Streams streams({.patience_jiffies = 500});
    streams.give(said_part(numbers(300), {.size = 100, .jiffies = begin}));
    streams.age(begin + 500);
    CHECK(streams.streams() == 1);
    streams.age(begin + 501);

    CHECK(streams.streams() == 0);
    CHECK(streams.gaps() == 1);
  }
}

TEST_CASE("of more beginnings than there is room for, the oldest goes", "[said]") {
  Streams streams({.streams = 2});
  const Bytes all = numbers(300);
  for (const std::uint16_t port : kPorts) {
    streams.give(said_part(all, {.size = 100, .source_port = port, .jiffies = 1'000U - port}));
  }
  CHECK(streams.streams() == 2);
  CHECK(streams.gaps() == 1);
  for (const std::uint16_t port : kPorts) {
    streams.give(said_part(all, {.offset = 100, .size = 200, .source_port = port}));
  }

  CHECK(streams.wholes.size() == 2);
  CHECK(streams.gaps() == 2);  // the second part of the one that went
}

TEST_CASE("a beginning that comes again is another connection's", "[said]") {
  Streams streams;
  streams.give(said_part(numbers(300), {.size = 100}));
  streams.give(said_part(numbers(200), {.size = 100}));
  streams.give(said_part(numbers(200), {.offset = 100, .size = 100}));

  CHECK(streams.wholes == Wholes{numbers(200)});
  CHECK(streams.gaps() == 1);
}

TEST_CASE("a record that lies about itself is not used", "[said]") {
  Streams streams;
  const Bytes all = numbers(100);
  Bytes record = said_whole(all);
  const auto with = [&](const auto& change) {
    Bytes changed = record;
    said_record head{};
    std::memcpy(&head, changed.data(), sizeof head);
    change(head);
    std::memcpy(changed.data(), &head, sizeof head);
    return streams.give(changed);
  };
  CHECK_FALSE(with([](said_record& head) { head.copied = 0; }));
  CHECK_FALSE(with([](said_record& head) { head.copied = head.wanted = 101; }));
  CHECK_FALSE(with([](said_record& head) { head.wanted = 99; }));
  CHECK_FALSE(with([](said_record& head) { head.wanted = SAID_BYTES_MAX + 1; }));
  CHECK_FALSE(with([](said_record& head) { head.offset = 1; }));
  CHECK_FALSE(streams.give(Bytes(sizeof(said_record) - 1)));
  CHECK_FALSE(streams.give({}));

  CHECK(streams.wholes.empty());
  CHECK(streams.streams() == 0);
}
