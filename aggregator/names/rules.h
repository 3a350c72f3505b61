// The numbers by which an answer names a connection. All of them bound doubt, so each says what it
// errs towards.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "common/clock.h"

namespace outflow::names {

// An answer holds for its TTL, and at least so long: programs resolve, then dial several times or
// with a pause, and TTLs of some seconds are common with load balancers.
inline constexpr std::chrono::seconds kTtlMin{60};
// And for so long after: runtimes and connection pools keep an address beyond its TTL (the JVM's
// default is 30 s whatever the TTL, RFC 8767 lets a resolver serve stale data). Too long names what
// was dialled raw, too short calls raw what was looked up.
inline constexpr std::chrono::minutes kGrace{10};
[[nodiscard]] inline nanoseconds life_of(std::uint32_t ttl_s) {
  return std::max(std::chrono::seconds(ttl_s), kTtlMin) + kGrace;
}

// Of several names the one told last is the likeliest, by exp(-age / tau): most connections follow
// their lookup within seconds.
inline constexpr std::chrono::seconds kTau{30};
// Whoever is less likely is no candidate.
inline constexpr double kShareMin = 0.05;
// Whoever is at least so likely is the name; below, it is ambiguous.
inline constexpr double kShareCertain = 0.9;

// What the answer of another pod is worth, in thousandths: on the same node both may ask one cache;
// in the cluster all that is known is that the address had the name. It counts where a lookup of
// the pod's own may have been missed, or cannot be read: such a flow is `named`, with this
// confidence. A pod whose lookups are all seen, and who was told nothing, dialled a raw address.
inline constexpr std::uint16_t kPodPermille = 1000;
inline constexpr std::uint16_t kNodePermille = 800;
inline constexpr std::uint16_t kClusterPermille = 500;

// An answer after the connect tells nothing about it. Both times are jiffies of one machine, a
// jiffy has at most 10 ms (CONFIG_HZ_100), and each is read against the clock on its own.
inline constexpr std::chrono::milliseconds kSameMoment{20};

// A pod that spoke to a resolver nobody can read may have every name from there for so long.
inline constexpr std::chrono::hours kOpaqueFor{24};
// An answer that was missed would have named connections for so long, as its TTL is hardly ever
// longer than that: so long a flow without a name is unknown, not raw.
inline constexpr std::chrono::hours kMissedFor{1};
// A connection keeps its name as long as it is used at least so often; TCP keepalive's default is
// two hours (tcp(7), tcp_keepalive_time).
inline constexpr std::chrono::hours kVerdictFor{24};
// Reports come late: an agent's interval has at most an hour, and a batch may wait.
inline constexpr std::chrono::hours kLate{1};
// After an outage of ours a node goes on where it stopped, and what it was told before then is kept
// for it, unless it is gone for good.
inline constexpr std::chrono::hours kBehindMax{24};

}  // namespace outflow::names
