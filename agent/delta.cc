#include "agent/delta.h"

#include <arpa/inet.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace outflow::agent {
namespace {

static_assert(COUNT_NO_INTERFACE > COUNT_NOT_IP && COUNT_MAX > COUNT_NO_INTERFACE,
              "skips stand before losses");

constexpr std::uint32_t kRefusedMax = ~std::uint32_t{0} >> FLOW_REFUSED_SHIFT;
constexpr auto kStepBackMax = std::chrono::days(1);
// The wire takes offsets of 400 days within an interval.
constexpr auto kLeapMax = std::chrono::days(366);

// Keys have no padding (their sizes are asserted beside them), so their words order them: in
// whatever order, as long as it is always the same.
template <class Key>
int compare(const Key& a, const Key& b) {
  static_assert(sizeof(Key) % sizeof(std::uint64_t) == 0);
  for (std::size_t at = 0; at < sizeof(Key); at += sizeof(std::uint64_t)) {
    std::uint64_t left = 0;
    std::uint64_t right = 0;
    std::memcpy(&left, reinterpret_cast<const char*>(&a) + at, sizeof left);
    std::memcpy(&right, reinterpret_cast<const char*>(&b) + at, sizeof right);
    if (left != right) return left < right ? -1 : 1;
  }
  return 0;
}

template <class Row>
void sort_by_key(std::vector<Row>& rows) {
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return compare(a.key, b.key) < 0; });
}

net::Address to_address(const std::uint8_t (&bytes)[16]) {
  net::Address::Bytes copy;
  std::copy(std::begin(bytes), std::end(bytes), copy.begin());
  return net::Address(copy);
}

// The address behind a row's source tag: of IPv4 the tag itself, else what `sources` holds; "::"
// when they had no room for it.
net::Address source_of(const TupleRow& row, const std::vector<SourceRow>& sources) {
  const net::Address destination = to_address(row.key.destination);
  if (destination.is_v4()) {
    net::Address::Bytes bytes = destination.bytes();
    std::memcpy(bytes.data() + 12, &row.stats.source_tag, 4);
    return net::Address(bytes);
  }
  const source_key key{row.key.interface_id, row.stats.source_tag};
  const auto found = std::lower_bound(
      sources.begin(), sources.end(), key,
      [](const SourceRow& a, const source_key& b) { return compare(a.key, b) < 0; });
  if (found == sources.end() || compare(found->key, key) != 0) return {};
  return to_address(found->address.bytes);
}

const flow_key& tuple_of(const TupleRow& row) {
  return row.key;
}
const flow_key& tuple_of(const OtherSourceRow& row) {
  return row.key.flow;
}

struct Window {
  const JiffyClock& clock;
  const Interval& interval;

  [[nodiscard]] TimePoint time_of(std::uint32_t moment) const {
    return std::clamp(clock.time_of(moment), interval.start, interval.end);
  }
};

// False: nothing happened to the tuple.
bool gained(const flow_stats* before, const flow_stats& now, const Window& window,
            FlowStats& delta) {
  static const flow_stats kNothing{};
  const bool anew = before == nullptr || before->first_jiffies != now.first_jiffies ||
                    before->packets > now.packets || before->bytes > now.bytes;
  const flow_stats& base = anew ? kNothing : *before;
  delta.packets = now.packets - base.packets;
  delta.bytes = now.bytes - base.bytes;
  delta.attempts = static_cast<std::uint32_t>(now.attempts - base.attempts);
  delta.established = static_cast<std::uint32_t>(now.established - base.established);
  delta.refused = (refused_of(&now) - refused_of(&base)) & kRefusedMax;
  delta.flags = to_flow_flags(flags_of(&now));
  if (delta.packets == 0 && delta.bytes == 0 && delta.attempts == 0 && delta.established == 0 &&
      delta.refused == 0 && delta.flags == to_flow_flags(flags_of(&base))) {
    return false;
  }
  delta.last_seen = window.time_of(now.last_jiffies);
  delta.first_seen = anew ? std::min(window.time_of(now.first_jiffies), delta.last_seen)
                          : std::min(window.interval.start, delta.last_seen);
  return true;
}

template <class Row, class Emit>
void walk(const std::vector<Row>& before, const std::vector<Row>& now, const Window& window,
          const Emit& emit) {
  auto old = before.begin();
  for (const Row& row : now) {
    while (old != before.end() && compare(old->key, row.key) < 0) ++old;
    const bool known = old != before.end() && compare(old->key, row.key) == 0;
    Flow flow;
    if (!gained(known ? &old->stats : nullptr, row.stats, window, flow.stats)) continue;
    flow.key = to_key(tuple_of(row));
    emit(row, flow);
  }
}

std::vector<Counter> counters(const Counts& before, const Counts& now, bool losses) {
  std::vector<Counter> found;
  for (std::size_t i = COUNT_NOT_IP; i < COUNT_MAX; ++i) {
    if (is_loss(i) == losses && now[i] > before[i]) {
      found.push_back({count_names()[i], now[i] - before[i]});
    }
  }
  return found;
}

}  // namespace

void sort_rows(Cumulative& reading) {
  sort_by_key(reading.tuples);
  sort_by_key(reading.other_sources);
  sort_by_key(reading.sources);
}

TimePoint JiffyClock::time_of(std::uint32_t moment) const {
  const auto ago = static_cast<std::int32_t>(jiffies - moment);
  return wall - tick * ago;
}

NextInterval next_interval(TimePoint previous_end, TimePoint now) {
  if (now >= previous_end && now - previous_end <= kLeapMax) return {{previous_end, now}, false};
  if (now < previous_end && previous_end - now <= kStepBackMax) {
    return {{previous_end, previous_end}, true};
  }
  return {{now, now}, true};
}

std::vector<Flow> flows_between(const Cumulative& before, const Cumulative& now,
                                const JiffyClock& clock, const Interval& interval) {
  std::vector<Flow> flows;
  const Window window{clock, interval};
  walk(before.tuples, now.tuples, window, [&](const TupleRow& row, Flow& flow) {
    flow.source = source_of(row, now.sources);
    flows.push_back(flow);
  });
  walk(before.other_sources, now.other_sources, window, [&](const OtherSourceRow& row, Flow& flow) {
    flow.source = to_address(row.key.source);
    flow.stats.flags |= kFlowOtherSource;
    flows.push_back(flow);
  });
  return flows;
}

std::vector<Counter> losses_between(const Cumulative& before, const Cumulative& now) {
  return counters(before.counts, now.counts, true);
}

std::vector<Counter> skipped_between(const Cumulative& before, const Cumulative& now) {
  std::vector<Counter> skipped = counters(before.counts, now.counts, false);
  for (std::size_t i = 0; i < DNS_COUNT_MAX; ++i) {
    if (i == DNS_COPIED || now.dns_counts[i] <= before.dns_counts[i]) continue;
    skipped.push_back({dns_count_names()[i], now.dns_counts[i] - before.dns_counts[i]});
  }
  for (std::size_t i = SAID_OTHER + 1; i < SAID_COUNT_MAX; ++i) {
    if (now.said_counts[i] <= before.said_counts[i]) continue;
    skipped.push_back({said_count_names()[i], now.said_counts[i] - before.said_counts[i]});
  }
  return skipped;
}

const std::array<std::string, COUNT_MAX>& count_names() {
  static const std::array<std::string, COUNT_MAX> kNames = [] {
    std::array<std::string, COUNT_MAX> names;
    names[COUNT_SEEN] = "seen";
    names[COUNT_RECORDED] = "recorded";
    names[COUNT_OVERFLOWED] = "overflowed";
    names[COUNT_NOT_IP] = "not_ip";
    names[COUNT_LATER_FRAGMENT] = "later_fragment";
    names[COUNT_TCP_UNOPENED] = "tcp_unopened";
    names[COUNT_UDP_REPLY] = "udp_reply";
    names[COUNT_ICMP_OTHER] = "icmp_other";
    names[COUNT_SCTP_UNOPENED] = "sctp_unopened";
    names[COUNT_NO_INTERFACE] = "no_interface";
    names[COUNT_MALFORMED] = "malformed";
    names[COUNT_UNKNOWN_HEADER] = "unknown_header";
    names[COUNT_RING_FULL] = "ring_full";
    names[COUNT_OTHER_SOURCE_FULL] = "other_source_full";
    return names;
  }();
  return kNames;
}

const std::array<std::string, DNS_COUNT_MAX>& dns_count_names() {
  static const std::array<std::string, DNS_COUNT_MAX> kNames = [] {
    std::array<std::string, DNS_COUNT_MAX> names;
    names[DNS_COPIED] = "dns_copied";
    names[DNS_NOT_ANSWER] = "dns_not_answer";
    names[DNS_CUT] = "dns_cut";
    names[DNS_LIMITED] = "dns_limited";
    names[DNS_RING_FULL] = "dns_ring_full";
    return names;
  }();
  return kNames;
}

const std::array<std::string, SAID_COUNT_MAX>& said_count_names() {
  static const std::array<std::string, SAID_COUNT_MAX> kNames = [] {
    std::array<std::string, SAID_COUNT_MAX> names;
    names[SAID_COPIED] = "said_copied";
    names[SAID_OTHER] = "said_other";
    names[SAID_CUT] = "said_cut";
    names[SAID_LIMITED] = "said_limited";
    names[SAID_RING_FULL] = "said_ring_full";
    names[SAID_DISPLACED] = "said_displaced";
    return names;
  }();
  return kNames;
}

// kFlowQuic has no place in the kernel's 8 bits: FLOW_QUIC stands in that of kFlowFromLog, which
// the kernel never means.
std::uint32_t to_flow_flags(std::uint32_t kernel_flags) {
  constexpr std::uint32_t kQuic = FLOW_QUIC;
  static_assert(kQuic == std::uint32_t{kFlowFromLog});
  if ((kernel_flags & kQuic) == 0) return kernel_flags;
  return (kernel_flags & ~kQuic) | kFlowQuic;
}

bool is_loss(std::size_t count) {
  return count >= COUNT_NO_INTERFACE && count < COUNT_MAX;
}

FlowKey to_key(const flow_key& key) {
  FlowKey out;
  out.interface_id = key.interface_id;
  out.destination = to_address(key.destination);
  out.destination_port = ntohs(key.destination_port);
  out.protocol = static_cast<Protocol>(key.protocol);
  return out;
}

}  // namespace outflow::agent
