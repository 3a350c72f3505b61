// When an owner had an address, and which of several claims is believed at a time. Pure.
//
// A span is ordered head <= from, to <= leave <= maybe. Within [from, to] the owner is known to
// have had the address (none when to < from). In [head, from) it was starting, in (to, leave]
// it was leaving: it had the address unless another is known to. In (leave, maybe] it may have
// been gone already, and who came after it is not known either.
//
// Whose the address was at a time t:
//   1. Who claims it by [head, leave] within kReuseSlack of t, when nobody else does, and nobody
//      else's (leave, maybe] is near while the claim's own border is.
//   2. Of several, the only one known to have it ([from, to]) all of t +- kReuseSlack, when no
//      other is known to have it in that time.
//   3. Of one that is the only one to claim it within kClockSlack of t, when nobody may have had
//   it.
//   4. Else nobody's, with the reason. It is never guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/inventory/life.h"
#include "aggregator/inventory/model.h"

namespace outflow::inventory {

// How far a claim nobody disputes reaches: the clocks of nodes differ.
inline constexpr auto kClockSlack = std::chrono::minutes(1);
// How sure a border between two owners is: the API server keeps whole seconds, and clocks kept by
// NTP differ by less than another one.
inline constexpr auto kReuseSlack = std::chrono::seconds(2);

// What a flow says that was seen when the feed of the inventory had failed.
inline constexpr std::string_view kNotKnownThen = "the inventory was not known as of then";

inline constexpr TimePoint kForever = TimePoint::max();

struct Span {
  TimePoint head{};
  TimePoint from{};
  TimePoint to = kForever;
  TimePoint leave = kForever;
  TimePoint maybe = kForever;
};

// What is known of the feed when a span is made.
struct Knowledge {
  TimePoint as_of{};           // when the inventory was made
  TimePoint until = kForever;  // what is there was known to be there up to then: feeds fail
};

[[nodiscard]] Span span_of(const Life& life, const Knowledge& knowledge);
// Of a service's or node's addresses, which nothing but what we were told speaks of.
[[nodiscard]] Span span_of(const Told& told, const Knowledge& knowledge);

struct Claim {
  Span span;
  std::size_t owner = 0;  // the caller's number
  std::string_view namespace_name;
  std::string_view name;  // two lives of one name are one owner
};

struct Verdict {
  std::optional<std::size_t> owner;
  std::string why;  // why nobody of those who claim it had it; "" when one had, or none claims
  bool uncertain = false;  // somebody may have had it, and it is not known who
};
// `what` they all are, for the reason: "pod".
[[nodiscard]] Verdict owner_at(const std::vector<Claim>& claims, std::string_view what,
                               TimePoint time);

}  // namespace outflow::inventory
