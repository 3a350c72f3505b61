// How much of the pool of addresses behind a name is known: whether a set of those seen may stand
// for the name. Pure, and the same numbers for the same rows.
//
// Sampling units are draws: answers that a cache between did not merely repeat. The rows tell first
// and last answer of a day, not each one, so a name's draws on a day are at most one for each
// spacing() between its first and its last answer, shared among its addresses by their answers; an
// address has at least one and at most one for each spacing() of its own span. From f1 and f2,
// addresses drawn exactly once and twice, of n draws of S addresses:
//
//   estimate  Chao1's lower bound of the pool (Chao 1984): S + f1^2 / (2 f2), with f2 = 0
//             S + f1 (f1 - 1) / 2
//   coverage  the lesser of addresses in the set / estimate, and of Good and Turing's share of
//             draws that go to known addresses (Good 1953): 1 - f1 / n
//
// Both are blind while too little was drawn, so draws_needed() asks for enough that an equally
// likely address more would have shown itself. The draws looked at are those of the newest days
// (today and the day before, and up to kPoolDays until there are enough): a pool that moved is
// judged by where it is, and one asked for too rarely to stay in a set is not called known.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>

#include "aggregator/store/history.h"
#include "common/net/address.h"

namespace outflow::analysis {

inline constexpr double kPoolCoverage = 0.98;  // below, a set would deny what it should allow
inline constexpr int kPoolDays = 7;
// An address leaves a set this long after its last answer ran out: applications keep addresses
// longer than they are told to.
inline constexpr std::chrono::hours kPoolGrace{24};
// A pod sees the cache nearest to it, whose TTL may be a short one of its own; the caches behind it
// keep an answer about this long. A TTL of 0 is kept by none (RFC 1035 3.2.1).
inline constexpr std::chrono::seconds kDrawSpacingMin{300};
inline constexpr std::uint64_t kDrawsMin = 20;
// The expected number of addresses still unseen, were the pool one larger and all equally likely.
inline constexpr double kUnseenMax = 0.02;

// The larger of kDrawsMin and (S + 1) ln((S + 1) / kUnseenMax), for S addresses seen: 20 for 1 to 2
// addresses, 56 for 8, 313 for 40.
[[nodiscard]] std::uint64_t draws_needed(std::uint64_t addresses);
// 0 for a TTL of 0; else the TTL, at least kDrawSpacingMin.
[[nodiscard]] std::chrono::seconds spacing(std::uint32_t ttl_s);

struct PoolAddress {
  TimePoint first_answered{};
  TimePoint last_answered{};  // by a resolver that is trusted
  TimePoint expires{};        // last_answered, its TTL and kPoolGrace
};

struct Pool {
  // What a set holds now: told by a resolver that is trusted, and not expired.
  std::map<net::Address, PoolAddress> addresses;
  std::set<std::string> names;  // that were told, by trusted and others
  std::uint64_t answers = 0;    // messages in the days looked at, of trusted resolvers
  std::uint64_t untrusted = 0;  // messages of others, in the same days
  std::uint64_t draws = 0;      // n
  std::uint64_t drawn = 0;      // S
  double estimate = 0;
  double coverage = 0;  // 0..1
  std::string why_not;  // why no rule may rest on it; "" when one may
  [[nodiscard]] bool usable() const { return why_not.empty(); }
};

// Of the rows of one class of names in one namespace; those of more than kPoolDays ago, and of the
// future, add nothing but addresses that have not expired. Their order does not matter.
[[nodiscard]] Pool pool_of(std::span<const store::NameRecord> rows, TimePoint now);

}  // namespace outflow::analysis
