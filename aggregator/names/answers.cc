#include "aggregator/names/answers.h"

#include <algorithm>
#include <limits>

#include "aggregator/names/rules.h"

namespace outflow::names {
namespace {

using attribution::Basis;
using std::chrono::milliseconds;

constexpr Id kIdMax = std::numeric_limits<Id>::max();
// So many of the oldest go at once when there is no room: looking for them takes a walk over all.
constexpr std::size_t kRoomShare = 16;

std::int64_t to_ms(TimePoint time) {
  return std::chrono::floor<milliseconds>(time.time_since_epoch()).count();
}

TimePoint from_ms(std::int64_t ms) {
  return TimePoint(milliseconds(ms));
}

std::uint32_t ago(std::int64_t last, std::int64_t earlier) {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(last - earlier, 0, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

std::int64_t Answers::Span::last() const {
  return static_cast<std::int64_t>((std::uint64_t{last_ms[1]} << 32U) | last_ms[0]);
}

void Answers::Span::set(std::int64_t first, std::int64_t previous, std::int64_t last) {
  const auto bits = static_cast<std::uint64_t>(last);
  last_ms = {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32U)};
  first_ago_ms = ago(last, first);
  previous_ago_ms = ago(last, previous);
}

std::int64_t Answers::Span::life() const {
  return std::chrono::duration_cast<milliseconds>(life_of(ttl_s)).count();
}

TimePoint Answers::Span::until() const {
  return from_ms(last() + life());
}

void Answers::Span::hear(std::int64_t time) {
  const std::int64_t newest = last();
  const std::int64_t first = newest - first_ago_ms;
  const std::int64_t previous = newest - previous_ago_ms;
  if (time > newest) {
    const bool paused = time > newest + life();
    set(paused ? time : first, newest, time);
  } else if (time < first && first <= time + life()) {
    set(time, previous, newest);
  } else if (time < newest && time != first && (time > previous || previous == newest)) {
    set(first, time, newest);
  }
}

std::optional<TimePoint> Answers::Span::before(TimePoint time) const {
  const std::int64_t newest = last();
  const std::int64_t first = newest - first_ago_ms;
  const std::int64_t previous = newest - previous_ago_ms;
  const std::int64_t limit = to_ms(time + kSameMoment);
  std::optional<std::int64_t> latest;
  for (const std::int64_t answer : {first, previous, newest}) {
    if (answer <= limit && (!latest || answer > *latest)) latest = answer;
  }
  if (!latest) return std::nullopt;
  const std::int64_t moment = to_ms(time);
  const bool within = *latest >= first && moment <= newest;
  if (!within && moment > *latest + life()) return std::nullopt;
  return from_ms(*latest);
}

void Answers::add(const Told& told) {
  const Key key{told.address, told.node, told.pod, told.name};
  OfPod& own = of_pods_[told.pod];
  if (own.entries >= pod_max_ && !entries_.contains(key)) {
    own.forgotten_until = std::max(own.forgotten_until, told.last + life_of(told.ttl_s));
    ++forgotten_;
    return;
  }
  const auto [entry, added] = entries_.try_emplace(key);
  if (added) ++own.entries;
  Span& span = entry->second;
  const std::int64_t first = to_ms(told.first);
  const std::int64_t last = to_ms(told.last);
  if (added) span.set(first, first, first);
  if (added || last >= span.last()) {
    span.ttl_s = told.ttl_s & 0x7fffffffU;
    span.target = told.target;
  }
  span.trusted = (span.trusted != 0 || told.trusted) ? 1 : 0;
  span.hear(first);
  span.hear(last);
  if (added && entries_.size() > entries_max_) make_room();
}

template <class Iterator>
std::vector<Sighting> Answers::names_in(Iterator from, Iterator to, Basis basis, TimePoint time) {
  std::vector<Sighting> found;
  std::size_t looked = 0;
  for (; from != to && looked < kScanMax; ++from, ++looked) {
    const Id name = from->first.name;
    const Span& span = from->second;
    if (basis != Basis::Pod && span.trusted == 0) continue;
    const auto answered = span.before(time);
    if (!answered) continue;
    const auto same = std::find_if(found.begin(), found.end(),
                                   [name](const Sighting& one) { return one.name == name; });
    if (same == found.end()) {
      found.push_back({name, span.target, basis, *answered});
    } else if (*answered > same->answered) {
      *same = {name, span.target, basis, *answered};
    }
  }
  return found;
}

std::vector<Sighting> Answers::at(const net::Address& address, Asker asker, TimePoint time) const {
  const auto range = [&](const Key& from, const Key& to, Basis basis) {
    return names_in(entries_.lower_bound(from), entries_.upper_bound(to), basis, time);
  };
  auto found = range({address, asker.node, asker.pod, 0}, {address, asker.node, asker.pod, kIdMax},
                     Basis::Pod);
  if (found.empty()) {
    found = range({address, asker.node, 0, 0}, {address, asker.node, kIdMax, kIdMax}, Basis::Node);
  }
  if (found.empty()) {
    found = range({address, 0, 0, 0}, {address, kIdMax, kIdMax, kIdMax}, Basis::Cluster);
  }
  return found;
}

bool Answers::told_between(const net::Address& address, Asker asker, TimePoint after,
                           TimePoint until) const {
  auto entry = entries_.lower_bound({address, asker.node, asker.pod, 0});
  const auto end = entries_.upper_bound({address, asker.node, asker.pod, kIdMax});
  return std::any_of(entry, end, [&](const auto& one) {
    const auto answered = one.second.before(until);
    return answered && *answered > after;
  });
}

void Answers::sweep(const std::vector<TimePoint>& by_node, TimePoint now) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const bool over = entry->second.until() < by_node[entry->first.node];
    entry = over ? erase(entry) : std::next(entry);
  }
  std::erase_if(of_pods_, [&](const auto& one) {
    return one.second.entries == 0 && one.second.forgotten_until < now;
  });
  if (forgotten_until_ < now) forgotten_until_ = {};
}

Answers::Entries::iterator Answers::erase(Entries::iterator entry) {
  --of_pods_[entry->first.pod].entries;
  return entries_.erase(entry);
}

void Answers::make_room() {
  std::vector<TimePoint> ends;
  ends.reserve(entries_.size());
  for (const auto& [key, span] : entries_) ends.push_back(span.until());
  const std::size_t gone = entries_.size() - entries_max_ + entries_max_ / kRoomShare;
  const auto nth = ends.begin() + static_cast<std::ptrdiff_t>(std::min(gone, ends.size() - 1));
  std::nth_element(ends.begin(), nth, ends.end());
  const TimePoint limit = *nth;
  std::size_t left = gone;
  for (auto entry = entries_.begin(); entry != entries_.end() && left > 0;) {
    if (entry->second.until() > limit) {
      ++entry;
      continue;
    }
    forgotten_until_ = std::max(forgotten_until_, entry->second.until());
    entry = erase(entry);
    ++forgotten_;
    --left;
  }
}

}  // namespace outflow::names
