#include "aggregator/inventory/feed_state.h"

#include <algorithm>

#include "aggregator/inventory/objects.h"
#include "aggregator/inventory/span.h"

namespace outflow::inventory {
namespace {

constexpr std::array kNeeded{Kind::Namespace, Kind::Node, Kind::Pod, Kind::Service,
                             Kind::EndpointSlice};

}  // namespace

void FeedStates::synced(Kind kind, TimePoint time) {
  at(kind).synced = true;
  at(kind).absent = false;
  heard(kind, time);
}

void FeedStates::heard(Kind kind, TimePoint time) {
  at(kind).heard = std::max(at(kind).heard, time);
  at(kind).failure.clear();
}

void FeedStates::failed(Kind kind, std::string why) {
  at(kind).failure = why.empty() ? "no reason given" : std::move(why);
}

void FeedStates::absent(Kind kind, std::string why) {
  State& state = at(kind);
  state = {.synced = false,
           .absent = true,
           .heard = state.heard,
           .failure = "",
           .why_absent = std::move(why)};
}

bool FeedStates::ready() const {
  return std::all_of(kNeeded.begin(), kNeeded.end(), [&](Kind kind) { return is_known(kind); });
}

TimePoint FeedStates::holds_until(Kind kind) const {
  return is_failing(kind) || !at(kind).synced ? at(kind).heard : kForever;
}

TimePoint FeedStates::known_until() const {
  TimePoint earliest = kForever;
  for (const Kind kind : kNeeded) {
    if (!at(kind).absent) earliest = std::min(earliest, holds_until(kind));
  }
  return earliest;
}

TimePoint FeedStates::as_of() const {
  TimePoint earliest = kForever;
  for (const Kind kind : kNeeded) {
    if (!at(kind).absent) earliest = std::min(earliest, at(kind).heard);
  }
  return earliest == kForever ? TimePoint() : earliest;
}

std::string FeedStates::error() const {
  std::string first;
  std::size_t more = 0;
  for (std::size_t i = 0; i < kKinds; ++i) {
    const State& state = states_.at(i);
    if (state.absent || (state.synced && state.failure.empty())) continue;
    if (!first.empty()) {
      ++more;
      continue;
    }
    first.append(to_text(static_cast<Kind>(i))).append(": ");
    first += state.failure.empty() ? "not listed yet" : state.failure;
  }
  return more == 0 ? first : first + " (and " + std::to_string(more) + " more kinds)";
}

void FeedStates::resume(TimePoint heard) {
  for (State& state : states_) state.heard = heard;
}

}  // namespace outflow::inventory
