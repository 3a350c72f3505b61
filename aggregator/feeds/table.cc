#include "aggregator/feeds/table.h"

#include <algorithm>
#include <tuple>

namespace outflow::feeds {
namespace {

// The version in effect at a time; null of a feed that never had one.
const FeedVersion* version_at(const FeedHistory& feed, TimePoint when) {
  if (feed.versions.empty()) return nullptr;
  const auto after =
      std::upper_bound(feed.versions.begin(), feed.versions.end(), when,
                       [](TimePoint time, const FeedVersion& one) { return time < one.accepted; });
  return after == feed.versions.begin() ? &feed.versions.front() : &*(after - 1);
}

struct Held {
  int length = -1;
  std::uint32_t range_class = 0;
};

// Whether `one` tells more of the address than `than` does, both of one version.
bool tells_more(const RangeSet& ranges, const Held& one, const Held& than) {
  if (than.length < 0) return true;
  const bool all_one = ranges.classes()[one.range_class].catch_all;
  const bool all_than = ranges.classes()[than.range_class].catch_all;
  if (all_one != all_than) return all_than;
  if (one.length != than.length) return one.length > than.length;
  return ranges.service_size(one.range_class) < ranges.service_size(than.range_class);
}

Held best_of(const RangeSet& ranges, const net::Address& address) {
  Held best;
  ranges.holding(address, [&](int length, std::uint32_t range_class) {
    if (ranges.classes()[range_class].direction == Direction::FromVendor) return;
    const Held held{length, range_class};
    if (tells_more(ranges, held, best)) best = held;
  });
  return best;
}

net::Prefix prefix_of(const net::Address& address, int length) {
  return *net::Prefix::of(address, length);
}

}  // namespace

struct RangeTable::Best {
  const FeedHistory* feed = nullptr;
  const FeedVersion* version = nullptr;
  Held held;

  [[nodiscard]] bool beats(const Best& other) const {
    if (other.feed == nullptr) return true;
    if (feed->own != other.feed->own) return feed->own;
    if (held.length != other.held.length) return held.length > other.held.length;
    return version->ranges->service_size(held.range_class) <
           other.version->ranges->service_size(other.held.range_class);
  }
};

RangeTable::Best RangeTable::best(const net::Address& address, TimePoint when,
                                  bool own_only) const {
  Best best;
  for (const FeedHistory& feed : feeds_) {
    if (own_only && !feed.own) continue;
    const FeedVersion* const version = version_at(feed, when);
    if (version == nullptr) continue;
    const Best found{&feed, version, best_of(*version->ranges, address)};
    if (found.held.length >= 0 && found.beats(best)) best = found;
  }
  return best;
}

std::string_view RangeTable::class_of(const net::Address& address, TimePoint when) const {
  const Best found = best(address, when, false);
  if (found.feed == nullptr) return {};
  return found.version->ranges->text(found.held.range_class);
}

std::string_view RangeTable::own_class_of(const net::Address& address, TimePoint when) const {
  const Best found = best(address, when, true);
  if (found.feed == nullptr) return {};
  return found.version->ranges->text(found.held.range_class);
}

std::optional<RangeMatch> RangeTable::find(const net::Address& address, TimePoint when) const {
  const Best found = best(address, when, false);
  if (found.feed == nullptr) return std::nullopt;
  const RangeSet& ranges = *found.version->ranges;
  const RangeClass& won = ranges.classes()[found.held.range_class];
  RangeMatch match{ranges.text(found.held.range_class),
                   ranges.feed(),
                   won.service,
                   won.region,
                   prefix_of(address, found.held.length),
                   found.feed->own,
                   won.shared,
                   found.version->source,
                   found.version->digest,
                   found.version->accepted,
                   {}};
  for (const FeedHistory& feed : feeds_) {
    const FeedVersion* const version = version_at(feed, when);
    if (version == nullptr) continue;
    const RangeSet& of = *version->ranges;
    of.holding(address, [&](int length, std::uint32_t range_class) {
      if (&of == &ranges && length == found.held.length && range_class == found.held.range_class) {
        return;
      }
      match.others.push_back(
          {of.text(range_class), prefix_of(address, length), of.classes()[range_class].direction});
    });
  }
  std::stable_sort(match.others.begin(), match.others.end(),
                   [](const RangeOverlap& a, const RangeOverlap& b) {
                     return a.prefix.length() > b.prefix.length();
                   });
  return match;
}

std::vector<net::Prefix> RangeTable::prefixes_of(std::string_view text, TimePoint when) const {
  std::vector<net::Prefix> all;
  for (const FeedHistory& feed : feeds_) {
    const FeedVersion* const version = version_at(feed, when);
    if (version == nullptr) continue;
    const RangeSet& ranges = *version->ranges;
    std::vector<bool> wanted;
    for (std::uint32_t i = 0; i < ranges.classes().size(); ++i) {
      wanted.push_back(ranges.text(i) == text &&
                       ranges.classes()[i].direction == Direction::ToVendor);
    }
    if (std::find(wanted.begin(), wanted.end(), true) == wanted.end()) continue;
    for (const Range& range : ranges.ranges()) {
      if (wanted[range.range_class]) all.push_back(range.prefix);
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace outflow::feeds
