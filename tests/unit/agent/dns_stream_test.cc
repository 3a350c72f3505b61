#include "agent/dns_stream.h"

#include <optional>
#include <random>

#include "tests/support/catch.h"
#include "tests/unit/agent/dns_records.h"

using namespace outflow;
using namespace outflow::agent;
using namespace outflow::test;

namespace {

class Taken {
 public:
  explicit Taken(const DnsStreams::Bounds& bounds = {})
      : streams(bounds, [this](const DnsStreams::Message& message) {
          messages.emplace_back(message.bytes.begin(), message.bytes.end());
          cuts.push_back(message.cut);
        }) {}

  void take(const Octets& record) { REQUIRE(streams.take(record.data(), record.size())); }
  void datagram(const Octets& payload, std::uint16_t port = 40'000) {
    for (const Octets& part : dns_parts(dns_head(IPPROTO_UDP, 7, port), payload)) take(part);
  }
  // The bytes [from, to) of a stream whose first byte has the number `first_sequence`.
  void segment(const Octets& stream, std::size_t from, std::size_t to) {
    const auto at = [&](std::size_t i) { return stream.begin() + static_cast<std::ptrdiff_t>(i); };
    dns_record head = dns_head(IPPROTO_TCP, 7, client_port);
    head.sequence = first_sequence + static_cast<std::uint32_t>(from);
    head.jiffies = jiffies;
    for (const Octets& part : dns_parts(head, {at(from), at(to)})) take(part);
  }

  std::vector<Octets> messages;
  std::vector<bool> cuts;
  DnsStreams streams;
  std::uint32_t first_sequence = 0xffffff80U;  // so that it wraps
  std::uint16_t client_port = 40'000;
  std::uint32_t jiffies = 1000;
};

// An answer of exactly so many bytes.
Octets message_of(std::size_t size) {
  Octets octets = DnsAnswer("www.example.com", kDnsA).octets();
  REQUIRE(size >= octets.size());
  octets.resize(size, 0x5a);
  return octets;
}

Octets framed(const std::vector<Octets>& messages) {
  Octets all;
  for (const Octets& message : messages) {
    put16(all, message.size());
    all.insert(all.end(), message.begin(), message.end());
  }
  return all;
}

}  // namespace

TEST_CASE("a datagram is a message, of one part or of several", "[dns_stream]") {
  for (const std::size_t size :
       {40, 255, 256, 257, 263, 511, 512, 513, 519, 4096, 4097, 9000, 65000}) {
    INFO(size);
    Taken taken;
    taken.datagram(message_of(size));

    REQUIRE(taken.messages.size() == 1);
    CHECK(taken.messages[0] == message_of(size));
    CHECK_FALSE(taken.cuts[0]);
    CHECK(taken.streams.streams() == 0);
    CHECK(taken.streams.bytes() == 0);
  }
}

TEST_CASE("parts of datagrams to different clients may come in between", "[dns_stream]") {
  Taken taken;
  const auto first = dns_parts(dns_head(IPPROTO_UDP, 7, 1), message_of(5000));
  const auto second = dns_parts(dns_head(IPPROTO_UDP, 7, 2), message_of(6000));
  for (std::size_t i = 0; i < 2; ++i) {
    taken.take(first[i]);
    taken.take(second[i]);
  }

  REQUIRE(taken.messages.size() == 2);
  CHECK(taken.messages[0] == message_of(5000));
  CHECK(taken.messages[1] == message_of(6000));
}

TEST_CASE("a datagram whose rest is missing is handed on as cut", "[dns_stream]") {
  Taken taken;
  const auto parts = dns_parts(dns_head(IPPROTO_UDP), message_of(9000));
  taken.take(parts[0]);
  SECTION("by the next one to the same client") {
    taken.datagram(message_of(5000));
    REQUIRE(taken.messages.size() == 2);
    CHECK(taken.messages[1] == message_of(5000));
  }
  SECTION("by a part that is not the next") {
    taken.take(parts[2]);
    CHECK(taken.streams.gaps() == 1);
    REQUIRE(taken.messages.size() == 1);
  }
  SECTION("by its silence") {
    taken.streams.age(1000 + 8000);
    REQUIRE(taken.messages.size() == 1);
  }

  CHECK(taken.messages[0].size() == DNS_PART_MAX);
  CHECK(taken.cuts[0]);
  CHECK(taken.streams.streams() == 0);
  CHECK(taken.streams.bytes() == 0);
}

TEST_CASE("a first fragment is a cut message", "[dns_stream]") {
  Taken taken;
  dns_record head = dns_head(IPPROTO_UDP);
  head.cut = 1;
  for (const std::size_t size : {1000, 5000}) {
    for (const Octets& part : dns_parts(head, message_of(size))) taken.take(part);
  }

  CHECK(taken.cuts == std::vector<bool>{true, true});
}

TEST_CASE("messages come out of a stream whatever its segments are", "[dns_stream]") {
  const std::vector<Octets> messages = {message_of(40),  message_of(256), message_of(263),
                                        message_of(512), message_of(519), message_of(40)};
  const Octets stream = framed(messages);
  for (std::size_t split = 1; split < stream.size(); ++split) {
    Taken taken;
    taken.segment(stream, 0, split);
    taken.segment(stream, split, stream.size());

    INFO(split);
    REQUIRE(taken.messages == messages);
    REQUIRE(taken.streams.gaps() == 0);
    REQUIRE(taken.streams.bytes() == 0);
  }
  Taken byte_by_byte;
  for (std::size_t i = 0; i < stream.size(); ++i) byte_by_byte.segment(stream, i, i + 1);
  CHECK(byte_by_byte.messages == messages);
  Taken at_once;
  at_once.segment(stream, 0, stream.size());
  CHECK(at_once.messages == messages);
}

TEST_CASE("the longest message comes out of a stream in super-packets", "[dns_stream]") {
  const std::vector<Octets> messages = {message_of(65'535), message_of(40)};
  const Octets stream = framed(messages);
  Taken taken;
  taken.segment(stream, 0, 60'000);
  taken.segment(stream, 60'000, stream.size());

  CHECK(taken.messages == messages);
}

TEST_CASE("segments that are sent again, overlap or come out of order change nothing",
          "[dns_stream]") {
  std::vector<Octets> messages;
  for (std::size_t size = 40; size < 300; size += 13) messages.push_back(message_of(size));
  const Octets stream = framed(messages);
  std::minstd_rand random(20260518);
  for (int round = 0; round < 200; ++round) {
    Taken taken;
    taken.segment(stream, 0, 10);
    std::vector<std::pair<std::size_t, std::size_t>> segments;
    for (std::size_t at = 10; at < stream.size();) {
      const std::size_t end = std::min(stream.size(), at + 1 + random() % 900);
      segments.emplace_back(at - random() % 10, end);
      if (random() % 4 == 0) segments.push_back(segments.back());
      at = end;
    }
    for (std::size_t i = 1; i < segments.size(); ++i) {
      if (random() % 3 == 0) std::swap(segments[i - 1], segments[i]);
    }
    for (const auto& [from, to] : segments) taken.segment(stream, from, to);

    INFO(round);
    REQUIRE(taken.messages == messages);
    REQUIRE(taken.streams.gaps() == 0);
    REQUIRE(taken.streams.bytes() == 0);
  }
}

TEST_CASE("a segment that never comes is counted, and the stream read again behind it",
          "[dns_stream]") {
  const std::vector<Octets> messages(3, message_of(300));
  const Octets stream = framed(messages);
  Taken taken;
  taken.segment(stream, 0, 100);
  taken.segment(stream, 302, 604);  // the second message, whole; 202 bytes before it are missing
  taken.segment(stream, 604, 906);
  CHECK(taken.messages.empty());

  taken.streams.age(taken.jiffies + 251);

  REQUIRE(taken.messages.size() == 3);
  CHECK(taken.cuts == std::vector<bool>{true, false, false});
  CHECK(taken.messages[0].size() == 98);
  CHECK(taken.messages[2] == messages[2]);
  CHECK(taken.streams.gaps() == 1);
  CHECK(taken.streams.bytes() == 0);
}

TEST_CASE("a gap in front of a message's middle costs that message, not the next one",
          "[dns_stream]") {
  const std::vector<Octets> messages(3, message_of(300));
  const Octets stream = framed(messages);
  Taken taken;
  taken.segment(stream, 0, 302);
  taken.segment(stream, 400, 604);  // its head is missing
  taken.streams.age(taken.jiffies + 251);
  taken.segment(stream, 604, 906);

  CHECK(taken.messages == std::vector<Octets>{messages[0], messages[2]});
  CHECK(taken.streams.gaps() == 2);  // what is missing, and the segment behind
}

TEST_CASE("many segments ahead of a missing one are not waited with", "[dns_stream]") {
  const std::vector<Octets> messages(40, message_of(60));
  const Octets stream = framed(messages);
  Taken taken;
  taken.segment(stream, 0, 62);
  for (std::size_t i = 2; i < messages.size(); ++i) taken.segment(stream, i * 62, (i + 1) * 62);

  CHECK(taken.messages.size() == messages.size() - 1);
  CHECK(taken.streams.gaps() == 1);
}

TEST_CASE("a stream met in its middle is counted until a message begins", "[dns_stream]") {
  const std::vector<Octets> messages(3, message_of(300));
  const Octets stream = framed(messages);
  Taken taken;
  taken.segment(stream, 50, 150);
  taken.segment(stream, 150, 302);
  taken.segment(stream, 302, 906);

  CHECK(taken.messages == std::vector<Octets>{messages[1], messages[2]});
  CHECK(taken.streams.gaps() == 2);
}

TEST_CASE("a new connection of the same ports begins anew", "[dns_stream]") {
  const Octets stream = framed({message_of(300), message_of(301)});
  Taken taken;
  taken.segment(stream, 0, 400);
  taken.first_sequence += 1U << 30;
  taken.segment(stream, 0, stream.size());

  REQUIRE(taken.messages.size() == 4);
  CHECK(taken.cuts == std::vector<bool>{false, true, false, false});
  CHECK(taken.messages[3] == message_of(301));
  CHECK(taken.streams.gaps() == 1);
  CHECK(taken.streams.streams() == 1);
}

TEST_CASE("what is no DNS at all is counted and not kept", "[dns_stream]") {
  Taken taken;
  const Octets other(3000, 'x');
  for (std::size_t at = 0; at < other.size(); at += 1000) taken.segment(other, at, at + 1000);

  CHECK(taken.messages.empty());
  CHECK(taken.streams.gaps() == 3);
  CHECK(taken.streams.bytes() == 0);
}

TEST_CASE("streams and their bytes are bounded: the longest silent goes", "[dns_stream]") {
  DnsStreams::Bounds bounds;
  SECTION("streams") {
    bounds.streams = 2;
  }
  SECTION("bytes") {
    bounds.bytes = 250;
  }
  Taken taken(bounds);
  const Octets stream = framed({message_of(300)});
  for (const int port : {1, 2, 1, 3}) {
    taken.client_port = static_cast<std::uint16_t>(port);
    const std::size_t from = port == 1 && taken.streams.streams() > 1 ? 50 : 0;
    taken.segment(stream, from, from + (from == 0 ? 100 : 1));
  }

  CHECK(taken.streams.streams() == 2);
  CHECK(taken.streams.gaps() == 1);
  CHECK(taken.streams.bytes() == 200);
  taken.client_port = 1;
  taken.segment(stream, 100, 302);
  CHECK(taken.messages.back() == message_of(300));
}

TEST_CASE("a silent stream ends by time, its unfinished message as cut", "[dns_stream]") {
  const Octets stream = framed({message_of(300)});
  Taken taken;
  taken.jiffies = 0xffffff00U;  // about to wrap
  taken.segment(stream, 0, 200);
  taken.streams.age(taken.jiffies + 7'500);
  CHECK(taken.streams.streams() == 1);

  taken.streams.age(taken.jiffies + 7'501);

  CHECK(taken.streams.streams() == 0);
  CHECK(taken.streams.gaps() == 1);
  CHECK(taken.cuts == std::vector<bool>{true});
}

TEST_CASE("records that lie about themselves are refused", "[dns_stream]") {
  Taken taken;
  const Octets payload = message_of(100);
  const auto refused = [&](const std::function<void(dns_record&)>& change, std::size_t less = 0) {
    Octets record = dns_part(dns_head(IPPROTO_UDP), payload, 0, 100);
    dns_record head{};
    std::memcpy(&head, record.data(), sizeof head);
    change(head);
    std::memcpy(record.data(), &head, sizeof head);
    return !taken.streams.take(record.data(), record.size() - less);
  };

  CHECK(refused([](dns_record& head) { head.copied = 0; }));
  CHECK(refused([](dns_record& head) { head.copied = 513; }));
  CHECK(refused([](dns_record& head) { head.length = 99; }));
  CHECK(refused([](dns_record& head) { head.offset = 1; }));
  CHECK(refused([](dns_record& head) { head.offset = 0xffffffffU; }));
  CHECK(refused([](dns_record& head) { head.protocol = IPPROTO_ICMP; }));
  CHECK(refused([](dns_record&) {}, 413));
  CHECK(refused([](dns_record&) {}, DNS_PART_SMALL + 1));
  CHECK(taken.messages.empty());
}
