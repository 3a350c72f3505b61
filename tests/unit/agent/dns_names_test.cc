#include "agent/dns_names.h"

#include "tests/support/catch.h"
#include "tests/unit/agent/dns_records.h"

using namespace outflow;
using namespace outflow::agent;
using namespace outflow::test;

namespace {

const Interval kInterval{from_unix_ns(1'779'129'764'000'000'000),
                         from_unix_ns(1'779'129'774'000'000'000)};
const JiffyClock kClock{
    .jiffies = 1250, .wall = kInterval.end, .tick = std::chrono::milliseconds(4)};
constexpr const char* kName = "www.example.com";

void take(DnsNames& names, const dns_record& head, const Octets& payload) {
  for (const Octets& part : dns_parts(head, payload)) names.take(part.data(), part.size());
}
void take(DnsNames& names, const DnsAnswer& answer) {
  take(names, dns_head(IPPROTO_UDP), answer.octets());
}

std::uint64_t count(const DnsNames& names, NameCount what) {
  return names.counts().at(static_cast<std::size_t>(what));
}

DnsAnswer simple() {
  return DnsAnswer(kName, kDnsA).address(kName, 30, "192.0.2.1");
}

}  // namespace

TEST_CASE("an answer's record is a row with all that it says", "[dns_names]") {
  DnsNames names(250);
  take(names,
       DnsAnswer(kName, kDnsA).alias(kName, 60, "b.example").address("b.example", 30, "192.0.2.1"));

  const auto rows = names.table().rows(kClock, kInterval);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0] == NameAnswer{.interface_id = 7,
                              .name = kName,
                              .address = *net::Address::parse("192.0.2.1"),
                              .resolver = *net::Address::parse("10.96.0.10"),
                              .target = "b.example",
                              .ttl_s = 30,
                              .flags = 0,
                              .answers = 1,
                              .first_answered = kInterval.end - std::chrono::seconds(1),
                              .last_answered = kInterval.end - std::chrono::seconds(1)});
  CHECK(count(names, NameCount::Told) == 1);
}

TEST_CASE("answers over TCP, cut ones and hints are marked", "[dns_names]") {
  const auto flags = [](const dns_record& head, const Octets& payload) {
    DnsNames names(250);
    take(names, head, payload);
    const auto rows = names.table().rows(kClock, kInterval);
    REQUIRE(rows.size() == 1);
    return rows[0].flags;
  };
  dns_record cut = dns_head(IPPROTO_UDP);
  cut.cut = 1;
  const Octets hint = {0, 1, 0, 0, 4, 0, 4, 192, 0, 2, 1};

  CHECK(flags(dns_head(IPPROTO_UDP), simple().octets()) == 0);
  CHECK(flags(dns_head(IPPROTO_TCP), simple().framed()) == kNameTcp);
  CHECK(flags(cut, simple().octets()) == kNameCut);
  CHECK(flags(dns_head(IPPROTO_UDP), simple().truncated().octets()) == kNameCut);
  CHECK(flags(dns_head(IPPROTO_UDP),
              DnsAnswer(kName, kDnsHttps).record(kName, kDnsHttps, 1, hint).octets()) == kNameHint);
}

TEST_CASE("what does not become a name is counted by reason", "[dns_names]") {
  DnsNames names(250, {.rows = 2});
  take(names, simple());
  take(names, simple().truncated());
  take(names, DnsAnswer(kName, kDnsA).rcode(3));
  take(names, DnsAnswer(kName, kDnsA).rcode(2));
  take(names, DnsAnswer(kName, kDnsA));
  take(names, DnsAnswer(kName, kDnsTxt).record(kName, kDnsTxt, 1, {0}));
  take(names, simple().address("victim.example", 1, "192.0.2.9"));
  take(names, dns_head(IPPROTO_UDP), Octets(40, 0xff));
  take(names, dns_head(IPPROTO_TCP), Octets(40, 0xff));
  take(names, DnsAnswer("b.example", kDnsA)
                  .address("b.example", 1, "192.0.2.1")
                  .address("b.example", 1, "192.0.2.2"));
  names.take("?", 1);

  const std::vector<Counter> expected = {
      {"dns_no_name", 1},    {"dns_failed", 1},     {"dns_no_address", 1},
      {"dns_other_type", 1}, {"dns_truncated", 1},  {"dns_stray", 1},
      {"dns_unreadable", 2}, {"dns_stream_gap", 1}, {"dns_names_full", 1}};
  CHECK(skipped_between({}, names.counts()) == expected);
  CHECK(count(names, NameCount::Told) == 4);
  CHECK(skipped_between(names.counts(), names.counts()).empty());
}

TEST_CASE("what was not understood of an answer is a loss of names, what told nothing is none",
          "[dns_names]") {
  std::vector<std::string> losses;
  for (const std::string& name : name_count_names()) {
    if (is_name_loss(name)) losses.push_back(name);
  }

  CHECK(losses == std::vector<std::string>{"dns_unreadable", "dns_stream_gap", "dns_names_full",
                                           "dns_unparsed"});
}
