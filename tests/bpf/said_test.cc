// The beginning of a connection that the pod opens reaches the ring if it is a ClientHello, or a
// request at port 80, however it is split; no other byte of a connection does; and whatever becomes
// of it, the packets are counted as ever.
#include <arpa/inet.h>
#include <bpf/libbpf.h>

#include <numeric>
#include <thread>

#include "egress.skel.h"

#include "tests/bpf/harness.h"
#include "tests/support/catch.h"

namespace outflow::test {
namespace {

constexpr const char* kPod4 = "10.244.1.5";
constexpr const char* kPod6 = "2001:db8:244::5";
constexpr const char* kFar4 = "192.0.2.10";
constexpr const char* kFar6 = "2001:db8:ffff::10";
constexpr std::uint16_t kPort = 40'001;
constexpr std::uint32_t kIsn = 0xffffff00;  // the sequence wraps within a hello
constexpr std::uint8_t kData = kPsh | kAck;

// One TLS record of `size` bytes in all with a ClientHello of all of it.
Bytes hello(std::size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
  const auto put = [&](std::size_t at, std::size_t value) {
    bytes.at(at) = static_cast<std::uint8_t>(value >> 8U);
    bytes.at(at + 1) = static_cast<std::uint8_t>(value);
  };
  bytes[0] = 22;
  bytes[1] = 3;
  bytes[2] = 1;
  put(3, size - 5);
  if (size > 5) bytes[5] = 1;
  if (size > 8) {
    bytes[6] = 0;
    put(7, size - 9);
  }
  return bytes;
}

Bytes text(const std::string& content) {
  return {content.begin(), content.end()};
}

Bytes joined(const std::vector<SaidRecord>& records) {
  Bytes all;
  for (const SaidRecord& record : records) {
    CHECK(record.head.offset == all.size());
    all.insert(all.end(), record.payload.begin(), record.payload.end());
  }
  return all;
}

// A connection of the pod, segment by segment.
class Connection {
 public:
  explicit Connection(Harness& harness, std::uint16_t to = 443, std::uint16_t from = kPort)
      : harness_(&harness), to_(to), from_(from) {}
  Connection& v6() {
    v4_ = false;
    return *this;
  }
  Connection& tagged() {
    tagged_ = true;
    return *this;
  }
  Connection& open() {
    next_ = kIsn;
    harness_->from_pod(segment(kSyn).build());
    ++next_;
    harness_->from_pod(segment(kAck).build());
    return *this;
  }
  Connection& send(const Bytes& payload, std::uint32_t gso_segs = 0) {
    harness_->from_pod(segment(kData).payload(payload).build(), gso_segs);
    next_ += static_cast<std::uint32_t>(payload.size());
    return *this;
  }
  // Once more the last so many bytes.
  Connection& back(std::size_t bytes) {
    next_ -= static_cast<std::uint32_t>(bytes);
    return *this;
  }

 private:
  [[nodiscard]] Packet segment(std::uint8_t flags) const {
    Packet packet;
    packet.ethernet();
    if (tagged_) packet.vlan(7);
    if (v4_) {
      packet.ipv4(kPod4, kFar4);
    } else {
      packet.ipv6(kPod6, kFar6);
    }
    return packet.tcp(from_, to_, flags, next_);
  }

  Harness* harness_;
  std::uint16_t to_;
  std::uint16_t from_;
  bool v4_ = true;
  bool tagged_ = false;
  std::uint32_t next_ = 0;
};

Bytes part(const Bytes& all, std::size_t from, std::size_t to) {
  return {all.begin() + static_cast<std::ptrdiff_t>(from),
          all.begin() + static_cast<std::ptrdiff_t>(to)};
}

}  // namespace

TEST_CASE("a hello is copied whole, with whom it is said to, at any port", "[said]") {
  for (const bool v4 : {true, false}) {
    for (const std::size_t size : {6, 9, 255, 256, 257, 517, 2'047, 2'048, 2'049, 3'300}) {
      INFO(size << (v4 ? " v4" : " v6"));
      Harness harness;
      Connection connection(harness, 8443);
      if (!v4) connection.v6();
      connection.open().send(hello(size));

      const auto records = harness.said_records();
      REQUIRE(records.size() == (size + SAID_PART_MAX - 1) / SAID_PART_MAX);
      CHECK(joined(records) == hello(size));
      for (const SaidRecord& record : records) {
        CHECK(record.head.wanted == size);
        CHECK(record.head.begin == kIsn + 1);
        CHECK(record.head.interface_id == Harness::kInterface);
        CHECK(is_address(record.head.destination, v4 ? kFar4 : kFar6));
        CHECK(ntohs(record.head.destination_port) == 8443);
        CHECK(ntohs(record.head.source_port) == kPort);
      }
      CHECK(harness.said_count(SAID_COPIED) == 1);
      CHECK(harness.flow(v4 ? kFar4 : kFar6, 8443, IPPROTO_TCP)->packets == 3);
    }
  }
}

TEST_CASE("a hello in two or three segments is copied part by part", "[said]") {
  const Bytes all = hello(1'800);
  for (const std::size_t first : {6, 8, 100, 1'799}) {
    INFO(first);
    Harness harness;
    Connection(harness).open().send(part(all, 0, first)).send(part(all, first, 1'800)).send(all);

    CHECK(joined(harness.said_records()) == all);
  }
  Harness harness;
  Connection(harness)
      .open()
      .send(part(all, 0, 300))
      .send(part(all, 300, 301))
      .send(part(all, 301, 1'800));

  const auto records = harness.said_records();
  CHECK(records.size() == 3);
  CHECK(joined(records) == all);
  CHECK(harness.said_count(SAID_COPIED) == 1);
  CHECK(harness.said_count(SAID_DISPLACED) == 0);
}

TEST_CASE("two connections that say parts in turn are told apart", "[said]") {
  Harness harness;
  const Bytes all = hello(600);
  Connection one(harness, 443, 40'001);
  Connection two(harness, 443, 40'002);
  one.open().send(part(all, 0, 100));
  two.open().send(part(all, 0, 200));
  one.send(part(all, 100, 600));
  two.send(part(all, 200, 600));

  std::vector<SaidRecord> first;
  std::vector<SaidRecord> second;
  for (const SaidRecord& record : harness.said_records()) {
    (ntohs(record.head.source_port) == 40'001 ? first : second).push_back(record);
  }
  CHECK(joined(first) == all);
  CHECK(joined(second) == all);
}

TEST_CASE("of a super-packet the hello is copied and nothing behind it", "[said]") {
  Harness harness;
  Bytes all = hello(1'200);
  all.resize(3'300, 0x17);
  Connection(harness).open().send(all, 3).send(Bytes(1'000, 0x17));

  CHECK(joined(harness.said_records()) == hello(1'200));
  CHECK(harness.flow(kFar4, 443, IPPROTO_TCP)->packets == 6);
}

TEST_CASE("a hello over several TLS records is copied as far as its segment goes", "[said]") {
  Harness harness;
  Bytes all = hello(300);
  all[4] = 100;  // the record has less than the message says
  all[3] = 0;
  Connection(harness).open().send(all);

  CHECK(joined(harness.said_records()) == all);
}

TEST_CASE("a hello behind a VLAN tag, and of a tuple that is known, is copied", "[said]") {
  Harness harness;
  Connection(harness).tagged().open().send(hello(200));
  Connection(harness, 443, 40'002).open().send(hello(300));
  Connection(harness, 443, 40'002).tagged().open().send(hello(400));

  const auto records = harness.said_records();
  REQUIRE(records.size() == 3);
  CHECK(records[0].payload == hello(200));
  CHECK(records[1].payload == hello(300));
  CHECK(records[2].payload == hello(400));
}

TEST_CASE("a hello that is sent again is copied once", "[said]") {
  Harness harness;
  const Bytes all = hello(200);
  Connection connection(harness);
  connection.open().send(all).back(200).send(all);
  connection.send(all);  // what comes later is no beginning

  CHECK(harness.said_records().size() == 1);
  CHECK(harness.said_count(SAID_COPIED) == 1);
  CHECK(harness.said_count(SAID_OTHER) == 0);
}

TEST_CASE("a request's first segment is copied at port 80 and nowhere else", "[said]") {
  const Bytes request = text("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
  Harness harness;
  Connection(harness, 80).open().send(request).send(request);
  auto records = harness.said_records();
  REQUIRE(records.size() == 1);
  CHECK(records[0].payload == request);
  CHECK(records[0].head.wanted == request.size());
  CHECK(harness.said_count(SAID_COPIED) == 1);

  Connection(harness, 8080).open().send(request);
  CHECK(harness.said_records().empty());
  CHECK(harness.said_count(SAID_OTHER) == 1);

  Bytes post = text("POST /");
  post.resize(3'300, 'x');
  Connection(harness, 80, 40'002).open().send(post);
  records = harness.said_records();
  REQUIRE(records.size() == 1);
  CHECK(records[0].payload == part(post, 0, SAID_PART_MAX));
}

TEST_CASE("what begins otherwise is not copied", "[said]") {
  Harness harness;
  std::vector<Bytes> others = {hello(5),
                               Bytes{0x16},
                               text("220 a.example ESMTP\r\n"),
                               Bytes(100),
                               text("get / HTTP/1.1\r\n"),
                               text("GE"),
                               text("Get / HTTP/1.1")};
  Bytes later = hello(100);
  later[2] = 5;
  others.push_back(later);
  Bytes server = hello(100);
  server[5] = 2;
  others.push_back(server);
  std::uint16_t from = 41'000;
  for (const Bytes& other : others)
    Connection(harness, 80, ++from).open().send(other).send(hello(9));

  CHECK(harness.said_records().empty());
  CHECK(harness.said_count(SAID_OTHER) == others.size());
  CHECK(harness.said_count(SAID_COPIED) == 0);
}

TEST_CASE("a hello longer than any that is copied is counted", "[said]") {
  Harness harness;
  Bytes beginning = hello(1'000);
  beginning[3] = SAID_BYTES_MAX >> 8U;  // with the record's head it is 5 bytes too long
  beginning[4] = 0;
  Connection(harness).open().send(beginning).send(beginning);

  CHECK(harness.said_records().empty());
  CHECK(harness.said_count(SAID_CUT) == 1);
}

TEST_CASE("of what the pod did not open, and while names are off, nothing is looked at", "[said]") {
  const bool on = GENERATE(true, false);
  Harness harness([on](egress_bpf& object) { object.rodata->said_names = on ? 1 : 0; });
  // A server's connection: no SYN of the pod, and data in the middle.
  harness.from_pod(
      Packet().ethernet().ipv4(kPod4, kFar4).tcp(443, kPort, kData, 1).payload(hello(100)).build());
  CHECK(harness.said_records().empty());
  Connection(harness).open().send(hello(100));

  CHECK(harness.said_records().size() == (on ? 1 : 0));
  CHECK(harness.said_count(SAID_COPIED) == (on ? 1 : 0));
  CHECK(harness.flow(kFar4, 443, IPPROTO_TCP)->packets == 3);
}

TEST_CASE("a flood of hellos is limited for its interface, each second anew, and counted",
          "[said]") {
  Harness harness([](egress_bpf& object) {
    object.rodata->said_max = 3;
    object.rodata->second_jiffies = 50;
  });
  const std::uint64_t begin = harness.read_clock().jiffies;
  std::uint16_t from = 41'000;
  for (int i = 0; i < 8; ++i) Connection(harness, 443, ++from).open().send(hello(100));
  harness.name_interface(Harness::kInterface + 1);
  Connection(harness, 443, ++from).open().send(hello(100));
  const bool in_time = harness.read_clock().jiffies - begin < 50;
  harness.name_interface(Harness::kInterface);

  if (in_time) CHECK(harness.said_records().size() == 4);
  if (in_time) CHECK(harness.said_count(SAID_LIMITED) == 5);
  // A second that began at the last moment is over, too.
  while (harness.read_clock().jiffies < begin + 101) std::this_thread::yield();
  Connection(harness, 443, ++from).open().send(hello(100));
  CHECK(harness.said_count(SAID_COPIED) + harness.said_count(SAID_LIMITED) == 10);
  CHECK_FALSE(harness.said_records().empty());
}

TEST_CASE("a hello the ring has no room for is counted, and given up", "[said]") {
  Harness harness([](egress_bpf& object) { bpf_map__set_max_entries(object.maps.said, 4'096); });
  const Bytes all = hello(1'800);
  for (std::uint16_t from = 41'001; from <= 41'005; ++from) {
    Connection(harness, 443, from).open().send(part(all, 0, 1'000)).send(part(all, 1'000, 1'800));
  }

  const std::uint64_t lost = harness.said_count(SAID_RING_FULL);
  CHECK(lost == 3);  // two hellos of four parts are 3,760 bytes with their heads
  CHECK(harness.said_records().size() == 4);
  Connection(harness, 443, 42'000).open().send(hello(100));
  CHECK(harness.said_records().size() == 1);
}

TEST_CASE("a connection that displaces one that said nothing yet is counted", "[said]") {
  // However long all of it takes.
  Harness harness([](egress_bpf& object) {
    object.rodata->second_jiffies = 1'000'000;
    object.rodata->said_max = ~0U;
  });
  // More than there are slots: some meet.
  std::vector<Connection> all;
  for (std::uint32_t i = 0; i <= SAID_SLOTS; ++i) {
    all.emplace_back(harness, 443, static_cast<std::uint16_t>(20'000 + i)).open();
  }
  std::size_t copied = 0;
  for (Connection& one : all) {
    one.send(hello(9));
    copied += harness.said_records().size();
  }

  const std::uint64_t displaced = harness.said_count(SAID_DISPLACED);
  CHECK(displaced > 0);
  CHECK(copied + displaced == SAID_SLOTS + 1);
  CHECK(copied > SAID_SLOTS / 2);
}

TEST_CASE("a SYN that is sent again waits anew, and displaces nobody", "[said]") {
  Harness harness;
  Connection connection(harness);
  connection.open();
  connection.open().send(hello(100));

  CHECK(harness.said_records().size() == 1);
  CHECK(harness.said_count(SAID_DISPLACED) == 0);
}

}  // namespace outflow::test
