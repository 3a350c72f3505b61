#include "agent/dns_names.h"

#include <netinet/in.h>

#include <algorithm>

#include "agent/dns_message.h"

namespace outflow::agent {
namespace {

net::Address to_address(const std::uint8_t (&bytes)[16]) {
  net::Address::Bytes copy;
  std::copy(std::begin(bytes), std::end(bytes), copy.begin());
  return net::Address(copy);
}

NameCount count_of(DnsOutcome outcome) {
  switch (outcome) {
    case DnsOutcome::Told:
      return NameCount::Told;
    case DnsOutcome::NoName:
      return NameCount::NoName;
    case DnsOutcome::Failed:
      return NameCount::Failed;
    case DnsOutcome::NoAddress:
      return NameCount::NoAddress;
    case DnsOutcome::OtherType:
      return NameCount::OtherType;
    case DnsOutcome::Unreadable:
      break;
  }
  return NameCount::Unreadable;
}

}  // namespace

const std::array<std::string, kNameCounts>& name_count_names() {
  static const std::array<std::string, kNameCounts> kNames{
      "dns_told",       "dns_no_name",    "dns_failed",  "dns_no_address",
      "dns_other_type", "dns_truncated",  "dns_stray",   "dns_unreadable",
      "dns_stream_gap", "dns_names_full", "dns_unparsed"};
  return kNames;
}

std::vector<Counter> skipped_between(const NameCounts& before, const NameCounts& now) {
  std::vector<Counter> skipped;
  for (std::size_t i = 0; i < kNameCounts; ++i) {
    if (i == static_cast<std::size_t>(NameCount::Told) || now[i] <= before[i]) continue;
    skipped.push_back({name_count_names()[i], now[i] - before[i]});
  }
  return skipped;
}

DnsNames::DnsNames(std::uint32_t second_jiffies, const NameTable::Bounds& bounds)
    : table_(bounds),
      streams_({.silence_jiffies = 30 * second_jiffies, .patience_jiffies = second_jiffies},
               [this](const DnsStreams::Message& message) { read(message); }) {}

void DnsNames::take(const void* record, std::size_t size) {
  if (!streams_.take(record, size)) count(NameCount::Unreadable);
}

void DnsNames::read(const DnsStreams::Message& message) {
  const DnsMessage said = read_dns_message(message.bytes, message.cut);
  count(count_of(said.outcome));
  if (said.truncated) count(NameCount::Truncated);
  count(NameCount::Stray, said.strays);
  count(NameCount::NamesFull, said.beyond);
  const dns_record& record = message.record;
  NameTable::Told told{.interface_id = record.interface_id,
                       .name = said.name,
                       .resolver = to_address(record.resolver),
                       .jiffies = record.jiffies};
  const std::uint32_t flags =
      (record.protocol == IPPROTO_TCP ? kNameTcp : 0U) | (said.truncated ? kNameCut : 0U);
  for (const ToldAddress& one : said.addresses) {
    told.address = one.address;
    told.target = one.target;
    told.ttl_s = one.ttl_s;
    told.flags = flags | one.flags;
    if (!table_.add(told)) count(NameCount::NamesFull);
  }
}

NameCounts DnsNames::counts() const {
  NameCounts all = counts_;
  all.at(static_cast<std::size_t>(NameCount::StreamGap)) += streams_.gaps();
  return all;
}

}  // namespace outflow::agent
