#include "agent/said_names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "agent/said_http.h"

namespace outflow::agent {
namespace {

constexpr std::uint8_t kTlsHandshake = 22;  // RFC 8446 5.1: no method begins so

}  // namespace

const std::array<std::string, kSaidCounts>& said_names_count_names() {
  static const std::array<std::string, kSaidCounts> kNames = {"said_hello",      "said_request",
                                                              "said_nameless",   "said_unreadable",
                                                              "said_stream_gap", "said_names_full"};
  return kNames;
}

std::vector<Counter> skipped_between(const SaidCounts& before, const SaidCounts& now) {
  std::vector<Counter> skipped;
  for (const SaidCount what : {SaidCount::Unreadable, SaidCount::StreamGap, SaidCount::NamesFull}) {
    const auto i = static_cast<std::size_t>(what);
    if (now.at(i) > before.at(i)) {
      skipped.push_back({said_names_count_names().at(i), now.at(i) - before.at(i)});
    }
  }
  return skipped;
}

SaidNames::SaidNames(HelloReader hellos, const Bounds& bounds)
    : bounds_(bounds),
      hellos_(std::move(hellos)),
      streams_(bounds.streams, [this](const auto& whole) { read(whole); }) {}

void SaidNames::take(const void* record, std::size_t size) {
  if (!streams_.take(record, size)) count(SaidCount::Unreadable);
}

void SaidNames::read(const SaidStreams::Whole& whole) {
  if (whole.bytes.front() == kTlsHandshake) {
    auto hello = hellos_.read(whole.bytes);
    if (!hello) return count(SaidCount::Unreadable);
    count(hello->name.empty() ? SaidCount::Nameless : SaidCount::Hello);
    const std::uint32_t flags = hello->encrypted_client_hello ? std::uint32_t{kSaidEch} : 0;
    return add(whole.record, std::move(hello->name), flags);
  }
  auto host = read_request_host(whole.bytes);
  if (!host) return count(SaidCount::Unreadable);
  count(host->empty() ? SaidCount::Nameless : SaidCount::Request);
  add(whole.record, *std::move(host), kSaidHost);
}

void SaidNames::add(const said_record& record, std::string name, std::uint32_t flags) {
  if (record.destination_port == 0) return count(SaidCount::Unreadable);  // nobody listens there
  net::Address::Bytes bytes;
  std::copy(std::begin(record.destination), std::end(record.destination), bytes.begin());
  Key key{record.interface_id, net::Address(bytes), ntohs(record.destination_port), std::move(name),
          flags};
  const auto found = rows_.find(key);
  if (found == rows_.end() && rows_.size() >= bounds_.rows) return count(SaidCount::NamesFull);
  Row& row = found != rows_.end() ? found->second : rows_[std::move(key)];
  if (row.count++ == 0) row.first_jiffies = record.jiffies;
  row.last_jiffies = record.jiffies;
}

std::vector<SaidName> SaidNames::rows(const JiffyClock& clock, const Interval& interval) const {
  std::vector<SaidName> all;
  all.reserve(rows_.size());
  for (const auto& [key, row] : rows_) {
    const auto& [interface_id, destination, port, name, flags] = key;
    const TimePoint last =
        std::clamp(clock.time_of(row.last_jiffies), interval.start, interval.end);
    const TimePoint first =
        std::clamp(clock.time_of(row.first_jiffies), interval.start, interval.end);
    all.push_back({.interface_id = interface_id,
                   .destination = destination,
                   .destination_port = port,
                   .name = name,
                   .flags = flags,
                   .count = row.count,
                   .first_said = std::min(first, last),
                   .last_said = last});
  }
  return all;
}

SaidCounts SaidNames::counts() const {
  SaidCounts all = counts_;
  all.at(static_cast<std::size_t>(SaidCount::StreamGap)) = streams_.gaps();
  return all;
}

}  // namespace outflow::agent
