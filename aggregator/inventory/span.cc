#include "aggregator/inventory/span.h"

#include <algorithm>

#include "common/text.h"

namespace outflow::inventory {
namespace {

// Adding to a time that may be the end of all times.
TimePoint later(TimePoint time, nanoseconds by) {
  return time > kForever - by ? kForever : time + by;
}

TimePoint earlier(TimePoint time, nanoseconds by) {
  return time < TimePoint::min() + by ? TimePoint::min() : time - by;
}

struct Window {
  TimePoint from;
  TimePoint to;
};

bool has_body(const Span& span) {
  return span.from <= span.to;
}
bool body_near(const Span& span, const Window& window) {
  return has_body(span) && span.from <= window.to && window.from <= span.to;
}
bool body_holds(const Span& span, const Window& window) {
  return has_body(span) && span.from <= window.from && window.to <= span.to;
}
bool claim_near(const Span& span, const Window& window) {
  return span.head <= window.to && window.from <= span.leave;
}
bool claim_holds(const Span& span, const Window& window) {
  return span.head <= window.from && window.to <= span.leave;
}
bool tail_near(const Span& span, const Window& window) {
  return span.leave < span.maybe && window.from <= span.maybe && window.to > span.leave;
}

bool same_owner(const Claim& a, const Claim& b) {
  return a.namespace_name == b.namespace_name && a.name == b.name;
}

std::string called(const Claim& claim) {
  return claim.namespace_name.empty()
             ? std::string(claim.name)
             : std::string(claim.namespace_name) + "/" + std::string(claim.name);
}

// One claim for each owner: of two lives of one name the one whose time it is, else the later.
using Claims = std::vector<const Claim*>;
void add_owner(Claims& owners, const Claim& claim, TimePoint time) {
  for (const Claim*& known : owners) {
    if (!same_owner(*known, claim)) continue;
    const auto rank = [&](const Claim& c) {
      return std::make_pair(claim_holds(c.span, {time, time}), c.span.head);
    };
    if (rank(claim) > rank(*known)) known = &claim;
    return;
  }
  owners.push_back(&claim);
}

Claims claims_near(const std::vector<Claim>& claims, const Window& window, TimePoint time) {
  Claims near;
  for (const Claim& claim : claims) {
    if (claim_near(claim.span, window)) add_owner(near, claim, time);
  }
  return near;
}

// Somebody else's claim that may or may not have ended by then.
const Claim* tail_of_other(const std::vector<Claim>& claims, const Window& window,
                           const Claim* but) {
  for (const Claim& claim : claims) {
    if (but != nullptr && same_owner(claim, *but)) continue;
    if (tail_near(claim.span, window)) return &claim;
  }
  return nullptr;
}

Verdict disputed(Claims claims) {
  // The answer does not hang on the order of the claims.
  std::sort(claims.begin(), claims.end(),
            [](const Claim* a, const Claim* b) { return called(*a) < called(*b); });
  return {
      {}, called(*claims[0]) + " and " + called(*claims[1]) + " may both have had it then", true};
}

Verdict lost_sight(const Claim& claim) {
  if (claim.span.maybe == kForever) return {{}, std::string(kNotKnownThen), true};
  return {{},
          called(claim) + " was last known to have it at " + to_text(claim.span.leave) +
              "; that it is gone was noticed at " + to_text(claim.span.maybe),
          true};
}

Verdict nobody(const std::vector<Claim>& claims, std::string_view what, TimePoint time) {
  const auto any = [&](auto condition) {
    return std::any_of(claims.begin(), claims.end(), condition);
  };
  const bool ended = any([&](const Claim& claim) { return claim.span.leave < time; });
  const bool starts = any([&](const Claim& claim) { return claim.span.head > time; });
  std::string why = "the ";
  if (!ended)
    return {{}, why.append(what).append(" that has the address now started later"), false};
  why.append(what).append(" that had the address had ended by then");
  if (starts) why += ", and the one that has it now started later";
  return {{}, std::move(why), false};
}

}  // namespace

Span span_of(const Told& told, const Knowledge& knowledge) {
  Span span;
  span.head = told.not_before;
  span.from = std::max(span.head, told.first);
  if (told.gone == TimePoint()) {
    span.to = span.leave = knowledge.until;
    return span;
  }
  span.to = span.leave = told.last;
  span.maybe = told.gone;
  return span;
}

Span span_of(const Life& pod, const Knowledge& knowledge) {
  Span span = span_of(pod.told, knowledge);
  if (pod.started != TimePoint()) {
    span.head = pod.started;
    span.from = std::max(pod.started, pod.told.first);
  }
  if (pod.ended != TimePoint()) {
    span.to = span.leave = span.maybe = pod.ended;
    // It had the address until it ended, though we may have been told of both at once.
    span.from = std::min(span.from, std::max(span.head, pod.ended));
    return span;
  }
  if (!is_finished(pod) && !pod.deleting) return span;
  // When it left is not told: some time before we knew that it was leaving, if it is finished.
  span.to = pod.deleting && !is_finished(pod) ? pod.told.leaving : TimePoint();
  if (span.to < span.from) span.to = span.from - nanoseconds(1);
  if (is_finished(pod)) {
    const TimePoint known = pod.told.leaving == TimePoint() ? knowledge.as_of : pod.told.leaving;
    span.leave = span.maybe = known;
  }
  return span;
}

Verdict owner_at(const std::vector<Claim>& claims, std::string_view what, TimePoint time) {
  if (claims.empty()) return {};
  const Window near{earlier(time, kReuseSlack), later(time, kReuseSlack)};
  Claims claimants = claims_near(claims, near, time);
  if (claimants.size() == 1) {
    const Claim* tail = tail_of_other(claims, near, claimants[0]);
    if (tail == nullptr || claim_holds(claimants[0]->span, near))
      return {claimants[0]->owner, "", false};
    return disputed({claimants[0], tail});
  }
  if (claimants.size() > 1) {
    const auto known = [&](const Claim* claim) { return body_near(claim->span, near); };
    const auto first = std::find_if(claimants.begin(), claimants.end(), known);
    const bool only = first != claimants.end() &&
                      std::find_if(first + 1, claimants.end(), known) == claimants.end();
    if (only && body_holds((*first)->span, near)) return {(*first)->owner, "", false};
    return disputed(claimants);
  }
  if (const Claim* tail = tail_of_other(claims, near, nullptr)) return lost_sight(*tail);
  const Window wide{earlier(time, kClockSlack), later(time, kClockSlack)};
  claimants = claims_near(claims, wide, time);
  if (claimants.size() == 1 && tail_of_other(claims, wide, claimants[0]) == nullptr) {
    return {claimants[0]->owner, "", false};
  }
  return claimants.size() > 1 ? disputed(claimants) : nobody(claims, what, time);
}

}  // namespace outflow::inventory
