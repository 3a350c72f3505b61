#include "agent/dns_message.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/dns.h"

using namespace outflow;
using namespace outflow::agent;
using namespace outflow::test;

namespace {

DnsMessage read(const Octets& octets, bool cut = false) {
  // Its end is guarded where sanitizers run.
  return read_dns_message(std::vector<std::uint8_t>(octets), cut);
}
DnsMessage read(const DnsAnswer& answer) {
  return read(answer.octets());
}

std::vector<std::string> addresses(const DnsMessage& message) {
  std::vector<std::string> all;
  for (const ToldAddress& told : message.addresses) all.push_back(told.address.to_string());
  return all;
}

using Texts = std::vector<std::string>;

constexpr const char* kName = "www.example.com";

Octets octets_of(const Octets& first, const Octets& second) {
  Octets all = first;
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

// RFC 9460 2.2: priority 1, target, and the parameters behind.
Octets service(const std::string& target, const Octets& parameters) {
  return octets_of(octets_of({0, 1}, name_octets(target)), parameters);
}
Octets hints(std::uint8_t key, const std::vector<std::string>& texts) {
  Octets values;
  for (const std::string& text : texts) {
    const auto address = net::Address::parse(text);
    values.insert(values.end(), address->packed().begin(), address->packed().end());
  }
  return octets_of({0, key, 0, static_cast<std::uint8_t>(values.size())}, values);
}

}  // namespace

TEST_CASE("every address of the name is told, with its TTL", "[dns_message]") {
  const DnsMessage four = read(DnsAnswer(kName, kDnsA)
                                   .address(kName, 300, "192.0.2.1")
                                   .address(kName, 60, "192.0.2.2")
                                   .authority("ns.example.com")
                                   .edns());
  const DnsMessage six = read(DnsAnswer(kName, kDnsAaaa).address(kName, 5, "2001:db8::1"));

  CHECK(four.outcome == DnsOutcome::Told);
  CHECK(four.name == kName);
  CHECK(addresses(four) == Texts{"192.0.2.1", "192.0.2.2"});
  CHECK(four.addresses[0].ttl_s == 300);
  CHECK(four.addresses[1].ttl_s == 60);
  CHECK(four.addresses[0].target.empty());
  CHECK(four.addresses[0].flags == 0);
  CHECK_FALSE(four.truncated);
  CHECK(four.strays == 0);
  CHECK(addresses(six) == Texts{"2001:db8::1"});
}

TEST_CASE("aliases lead from the name to the addresses, in whatever order they stand",
          "[dns_message]") {
  const DnsMessage message = read(DnsAnswer(kName, kDnsA)
                                      .address("c.cdn.net", 600, "192.0.2.1")
                                      .alias("b.cdn.net", 20, "c.cdn.net")
                                      .alias(kName, 3600, "b.cdn.net"));

  CHECK(message.name == kName);
  REQUIRE(addresses(message) == Texts{"192.0.2.1"});
  CHECK(message.addresses[0].target == "c.cdn.net");
  CHECK(message.addresses[0].ttl_s == 20);  // the least of the chain
}

TEST_CASE("what the chain does not lead to is not the name's, and counted", "[dns_message]") {
  const DnsMessage message = read(DnsAnswer(kName, kDnsA)
                                      .alias(kName, 60, "b.example")
                                      .address("b.example", 60, "192.0.2.1")
                                      .address(kName, 60, "192.0.2.2")
                                      .address("victim.example", 60, "192.0.2.3")
                                      .alias("other.example", 60, "victim.example"));

  CHECK(addresses(message) == Texts{"192.0.2.1"});
  CHECK(message.strays == 3);
}

TEST_CASE("an alias that leads nowhere or in a circle tells nothing", "[dns_message]") {
  const DnsMessage nowhere = read(DnsAnswer(kName, kDnsA).alias(kName, 60, "b.example"));
  const DnsMessage circle = read(DnsAnswer(kName, kDnsA)
                                     .alias(kName, 60, "b.example")
                                     .alias("b.example", 60, kName)
                                     .address("c.example", 60, "192.0.2.1"));
  const DnsMessage itself = read(DnsAnswer(kName, kDnsA).alias(kName, 60, kName));
  const DnsMessage root = read(DnsAnswer(kName, kDnsA).alias(kName, 60, "").alias("", 60, ""));

  for (const DnsMessage& message : {nowhere, circle, itself, root}) {
    CHECK(message.outcome == DnsOutcome::NoAddress);
    CHECK(message.addresses.empty());
  }
}

TEST_CASE("names are lower case, without the final dot, other octets as three digits",
          "[dns_message]") {
  Octets odd = {4, 'a', '.', '\\', ' ', 3, 0xc3, 0xa9, 'Z', 0};
  const DnsMessage upper = read(DnsAnswer("WwW.Example.COM", kDnsA)
                                    .alias("www.example.com", 9, "B.EXAMPLE")
                                    .address("b.example", 9, "192.0.2.1"));
  const DnsMessage escaped = read(DnsAnswer(kName, kDnsA)
                                      .record(kName, kDnsCname, 9, odd)
                                      .raw_record(odd, kDnsA, 9, {192, 0, 2, 1}));

  CHECK(upper.name == kName);
  REQUIRE(upper.outcome == DnsOutcome::Told);
  CHECK(upper.addresses[0].target == "b.example");
  REQUIRE(escaped.outcome == DnsOutcome::Told);
  CHECK(escaped.addresses[0].target == R"(a\046\092\032.\195\169z)");
}

TEST_CASE("a name of 253 bytes is read, one whose text is longer is refused", "[dns_message]") {
  const std::string label(61, 'a');
  const std::string longest = label + "." + label + "." + label + "." + label + ".bb.cc";
  const Octets escaped = octets_of({63}, Octets(63, 1));
  Octets long_text = escaped;
  for (int i = 0; i < 2; ++i) long_text = octets_of(long_text, escaped);
  long_text.push_back(0);

  const DnsMessage read_whole = read(DnsAnswer(longest, kDnsA).address(longest, 9, "192.0.2.1"));
  const DnsMessage refused = read(DnsAnswer(kName, kDnsA)
                                      .record(kName, kDnsCname, 9, long_text)
                                      .address(kName, 9, "192.0.2.1"));

  CHECK(read_whole.name.size() == kDnsNameMax);
  CHECK(read_whole.name == longest);
  CHECK(refused.outcome == DnsOutcome::Unreadable);
}

TEST_CASE("a TTL is at most seven days, and none when its highest bit is set", "[dns_message]") {
  const DnsMessage message = read(DnsAnswer(kName, kDnsA)
                                      .address(kName, 10'000'000, "192.0.2.1")
                                      .address(kName, 0x80000000U, "192.0.2.2"));

  REQUIRE(message.addresses.size() == 2);
  CHECK(message.addresses[0].ttl_s == kTtlMaxSeconds);
  CHECK(message.addresses[1].ttl_s == 0);
}

TEST_CASE("an address that stands twice is told once, with the lesser TTL", "[dns_message]") {
  const DnsMessage message =
      read(DnsAnswer(kName, kDnsA).address(kName, 60, "192.0.2.1").address(kName, 30, "192.0.2.1"));

  REQUIRE(message.addresses.size() == 1);
  CHECK(message.addresses[0].ttl_s == 30);
}

TEST_CASE("hints of HTTPS and SVCB records are addresses, and marked", "[dns_message]") {
  const Octets both = octets_of(octets_of({0, 1, 0, 3, 2, 'h', '2'}, hints(4, {"192.0.2.1"})),
                                hints(6, {"2001:db8::1", "2001:db8::2"}));
  const DnsMessage own =
      read(DnsAnswer(kName, kDnsHttps).record(kName, kDnsHttps, 60, service("", both)));
  const DnsMessage other = read(
      DnsAnswer(kName, kDnsHttps).record(kName, kDnsHttps, 60, service("svc.example.net", both)));
  const std::string port = "_8443._https.example.com";
  const DnsMessage of_port =
      read(DnsAnswer(port, kDnsSvcb).record(port, kDnsSvcb, 60, service("", both)));

  CHECK(addresses(own) == Texts{"192.0.2.1", "2001:db8::1", "2001:db8::2"});
  CHECK(own.addresses[0].target.empty());
  for (const ToldAddress& told : own.addresses) CHECK(told.flags == kNameHint);
  REQUIRE(other.addresses.size() == 3);
  CHECK(other.addresses[0].target == "svc.example.net");
  CHECK(of_port.name == "example.com");
  REQUIRE(of_port.addresses.size() == 3);
  CHECK(of_port.addresses[0].target.empty());
}

TEST_CASE("service records without hints tell nothing, those that lie are refused",
          "[dns_message]") {
  const auto outcome = [](const Octets& data) {
    return read(DnsAnswer(kName, kDnsHttps).record(kName, kDnsHttps, 60, data)).outcome;
  };

  CHECK(outcome(octets_of({0, 0}, name_octets("alias.example"))) == DnsOutcome::NoAddress);
  CHECK(outcome(service("", {0, 1, 0, 3, 2, 'h', '2'})) == DnsOutcome::NoAddress);
  CHECK(outcome(service("", {0, 4, 0, 3, 1, 2, 3})) == DnsOutcome::Unreadable);
  CHECK(outcome(service("", {0, 4, 0, 8, 1, 2, 3, 4})) == DnsOutcome::Unreadable);
  CHECK(outcome({0}) == DnsOutcome::Unreadable);
}

TEST_CASE("errors, empty answers and other questions are told apart", "[dns_message]") {
  const auto outcome = [](const DnsAnswer& answer) { return read(answer).outcome; };

  CHECK(outcome(DnsAnswer(kName, kDnsA).rcode(3)) == DnsOutcome::NoName);
  CHECK(outcome(DnsAnswer(kName, kDnsA).rcode(2)) == DnsOutcome::Failed);
  CHECK(outcome(DnsAnswer(kName, kDnsA).rcode(5)) == DnsOutcome::Failed);
  CHECK(outcome(DnsAnswer(kName, kDnsAaaa)) == DnsOutcome::NoAddress);
  CHECK(outcome(DnsAnswer(kName, kDnsAaaa).address(kName, 1, "192.0.2.1")) ==
        DnsOutcome::NoAddress);
  CHECK(outcome(DnsAnswer("", kDnsA).address("", 1, "192.0.2.1")) == DnsOutcome::NoAddress);
  CHECK(outcome(DnsAnswer(kName, kDnsTxt).record(kName, kDnsTxt, 1, {1, 'x'})) ==
        DnsOutcome::OtherType);
}

TEST_CASE("records of other types and classes stand beside the addresses", "[dns_message]") {
  Octets chaos = DnsAnswer(kName, kDnsA).address(kName, 1, "192.0.2.1").octets();
  chaos[chaos.size() - 11] = 3;  // the record's class
  const DnsMessage signed_answer = read(DnsAnswer(kName, kDnsA)
                                            .address(kName, 1, "192.0.2.1")
                                            .record(kName, kDnsRrsig, 1, Octets(40, 0xff)));

  CHECK(addresses(signed_answer) == Texts{"192.0.2.1"});
  CHECK(signed_answer.strays == 0);
  CHECK(read(chaos).outcome == DnsOutcome::NoAddress);
}

TEST_CASE("what a truncated answer has is used, and said to be cut", "[dns_message]") {
  const DnsMessage told = read(DnsAnswer(kName, kDnsA).truncated().address(kName, 1, "192.0.2.1"));
  const DnsMessage empty = read(DnsAnswer(kName, kDnsA).truncated());

  CHECK(told.outcome == DnsOutcome::Told);
  CHECK(told.truncated);
  CHECK(empty.outcome == DnsOutcome::NoAddress);
  CHECK(empty.truncated);
}

TEST_CASE("a message cut anywhere tells its whole records when that is known, else nothing",
          "[dns_message]") {
  const Octets whole = DnsAnswer(kName, kDnsA)
                           .alias(kName, 60, "b.example")
                           .address("b.example", 60, "192.0.2.1")
                           .address("b.example", 60, "192.0.2.2")
                           .octets();
  const std::size_t address_record = name_octets("b.example").size() + 10 + 4;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    const Octets part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const std::size_t missing = whole.size() - size;
    const Texts expected = missing <= address_record ? Texts{"192.0.2.1"} : Texts{};

    CHECK(addresses(read(part, true)) == expected);
    CHECK(read(part, false).outcome == DnsOutcome::Unreadable);
  }
  CHECK(addresses(read(whole, true)).size() == 2);
}

TEST_CASE("pointers go back to what stands before, in names and in aliases", "[dns_message]") {
  // "www" + a pointer to "example.com" within the question's name.
  const Octets owner = octets_of({3, 'w', 'w', 'w'}, pointer_to(DnsAnswer::kQuestion + 4));
  const Octets target = octets_of({3, 'c', 'd', 'n'}, pointer_to(DnsAnswer::kQuestion + 4));
  const DnsMessage message = read(DnsAnswer(kName, kDnsA)
                                      .raw_record(owner, kDnsCname, 60, target)
                                      .address("cdn.example.com", 60, "192.0.2.1"));

  REQUIRE(message.outcome == DnsOutcome::Told);
  CHECK(message.addresses[0].target == "cdn.example.com");
}

TEST_CASE("pointers that go forward, to themselves or out of the message are refused",
          "[dns_message]") {
  const std::size_t end = DnsAnswer(kName, kDnsA).octets().size();  // where the record stands
  for (const std::size_t target : {end, end + 2, end + 12, std::size_t{0x3fff}, std::size_t{0}}) {
    INFO(target);
    const auto read_with = [&](const Octets& owner) {
      return read(DnsAnswer(kName, kDnsA).raw_record(owner, kDnsA, 60, {192, 0, 2, 1})).outcome;
    };

    CHECK(read_with(pointer_to(target)) != DnsOutcome::Told);
    CHECK(read_with(octets_of({1, 'a'}, pointer_to(target))) != DnsOutcome::Told);
  }
  // To a name that stands behind: it would be the right one.
  const std::size_t behind = end + 2 + 10 + 4 + 2 + 10;
  CHECK(read(DnsAnswer(kName, kDnsA)
                 .raw_record(pointer_to(behind), kDnsA, 60, {192, 0, 2, 1})
                 .record(kName, kDnsTxt, 60, name_octets(kName)))
            .outcome == DnsOutcome::Unreadable);
  for (const auto reserved : {std::uint8_t{0x40}, std::uint8_t{0x80}}) {
    CHECK(read(DnsAnswer(kName, kDnsA).raw_record({reserved, 0}, kDnsA, 60, {192, 0, 2, 1}))
              .outcome == DnsOutcome::Unreadable);
  }
}

TEST_CASE("records whose length is not their type's are refused", "[dns_message]") {
  const auto outcome = [](std::uint16_t type, const Octets& data) {
    return read(DnsAnswer(kName, type).record(kName, type, 60, data)).outcome;
  };

  CHECK(outcome(kDnsA, {192, 0, 2}) == DnsOutcome::Unreadable);
  CHECK(outcome(kDnsA, {192, 0, 2, 1, 0}) == DnsOutcome::Unreadable);
  CHECK(outcome(kDnsA, {}) == DnsOutcome::Unreadable);
  CHECK(outcome(kDnsAaaa, Octets(15)) == DnsOutcome::Unreadable);
  CHECK(outcome(kDnsAaaa, Octets(17)) == DnsOutcome::Unreadable);
  CHECK(read(DnsAnswer(kName, kDnsA)
                 .record(kName, kDnsCname, 60, octets_of(name_octets("b.example"), {0})))
            .outcome == DnsOutcome::Unreadable);
}

TEST_CASE("an IPv4-mapped AAAA is the IPv4 address that the pod's packets go to", "[dns_message]") {
  Octets mapped(16);
  mapped[10] = mapped[11] = 0xff;
  mapped[12] = 192;
  mapped[15] = 7;

  CHECK(addresses(read(DnsAnswer(kName, kDnsAaaa).record(kName, kDnsAaaa, 60, mapped))) ==
        Texts{"192.0.0.7"});
}

TEST_CASE("what is no answer to one question is unreadable", "[dns_message]") {
  const Octets good = DnsAnswer(kName, kDnsA).address(kName, 60, "192.0.2.1").octets();
  const auto with = [&good](std::size_t at, std::uint8_t value) {
    Octets changed = good;
    changed[at] = value;
    return read(changed).outcome;
  };

  CHECK(with(2, 0x01) == DnsOutcome::Unreadable);  // a question
  CHECK(with(5, 0) == DnsOutcome::Unreadable);
  CHECK(with(5, 2) == DnsOutcome::Unreadable);
  CHECK(with(7, 2) == DnsOutcome::Unreadable);    // a record that is not there
  CHECK(with(2, 0xa8) == DnsOutcome::OtherType);  // opcode 5: UPDATE
  CHECK(with(12, 0xc0) == DnsOutcome::Unreadable);
  CHECK(read({}).outcome == DnsOutcome::Unreadable);
}

TEST_CASE("of many records so many are looked at, and the others counted", "[dns_message]") {
  DnsAnswer many(kName, kDnsA);
  for (std::size_t i = 0; i < kDnsRecordsMax + 100; ++i) {
    many.record(kName, kDnsA, 60,
                {10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
  }
  std::vector<std::string> hinted;
  for (int i = 0; i < 60; ++i) hinted.push_back("10.1.0." + std::to_string(i));
  DnsAnswer hints_of_many(kName, kDnsHttps);
  for (int i = 0; i < 10; ++i) {
    hints_of_many.record(kName, kDnsHttps, 60, service("", hints(4, hinted)));
  }

  CHECK(read(many).addresses.size() == kDnsRecordsMax);
  CHECK(read(many).beyond == 100);
  CHECK(read(hints_of_many).addresses.size() == 60);
  CHECK(read(hints_of_many).beyond == 600 - kDnsRecordsMax);
}
