#include "aggregator/analysis/pool.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include <fmt/format.h>

namespace outflow::analysis {
namespace {

using std::chrono::seconds;

// A name and an address on one day, whoever of the namespace was told: pods share their caches.
struct Told {
  std::uint64_t answers = 0;
  TimePoint first{};
  TimePoint last{};
  void add(std::uint64_t count, TimePoint from, TimePoint to) {
    first = answers == 0 ? from : std::min(first, from);
    last = std::max(last, to);
    answers += count;
  }
  // At most one draw for each spacing of the span.
  [[nodiscard]] std::uint64_t draws(seconds spaced) const {
    if (spaced.count() == 0) return answers;
    return std::min(answers, 1 + static_cast<std::uint64_t>((last - first) / spaced));
  }
};

// One day of one name.
struct NameDay {
  Told all;
  std::map<net::Address, Told> addresses;
};

struct Sample {
  std::map<Day, std::map<std::string, NameDay>> days;
  std::map<std::string, std::uint32_t> ttls;  // the longest: what is left of it comes from caches
};

using Draws = std::map<net::Address, std::uint64_t>;

Sample sample_of(std::span<const store::NameRecord> rows) {
  Sample sample;
  for (const store::NameRecord& row : rows) {
    if (!row.trusted || row.answers == 0) continue;
    NameDay& day = sample.days[row.day][row.name];
    day.all.add(row.answers, row.first_answered, row.last_answered);
    day.addresses[row.address].add(row.answers, row.first_answered, row.last_answered);
    std::uint32_t& ttl = sample.ttls[row.name];
    ttl = std::max(ttl, row.ttl_s);
  }
  return sample;
}

void add_draws(const std::string& name, const NameDay& day, const Sample& sample, Draws& draws) {
  const seconds spaced = spacing(sample.ttls.at(name));
  const std::uint64_t most = day.all.draws(spaced);
  for (const auto& [address, told] : day.addresses) {
    const double share = static_cast<double>(told.answers) / static_cast<double>(day.all.answers);
    const auto shared = static_cast<std::uint64_t>(share * static_cast<double>(most));
    draws[address] += std::clamp<std::uint64_t>(shared, 1, told.draws(spaced));
  }
}

std::uint64_t sum_of(const Draws& draws) {
  std::uint64_t sum = 0;
  for (const auto& [address, count] : draws) sum += count;
  return sum;
}

// The newest days that hold enough; gives the first of them.
Day draw(const Sample& sample, Day today, Draws& draws) {
  Day day = today;
  for (int back = 0; back < kPoolDays; ++back) {
    day = today - std::chrono::days(back);
    const auto found = sample.days.find(day);
    if (found != sample.days.end()) {
      for (const auto& [name, told] : found->second) add_draws(name, told, sample, draws);
    }
    if (back >= 1 && sum_of(draws) >= draws_needed(draws.size())) break;
  }
  return day;
}

void add_addresses(std::span<const store::NameRecord> rows, TimePoint now, Pool& pool) {
  for (const store::NameRecord& row : rows) {
    pool.names.insert(row.name);
    if (!row.trusted || row.last_trusted == TimePoint()) continue;
    const TimePoint expires = row.last_trusted + seconds(row.ttl_s) + kPoolGrace;
    if (expires <= now) continue;
    const auto [entry, is_new] = pool.addresses.try_emplace(row.address);
    PoolAddress& address = entry->second;
    if (is_new || row.first_answered < address.first_answered) {
      address.first_answered = row.first_answered;
    }
    address.last_answered = std::max(address.last_answered, row.last_trusted);
    address.expires = std::max(address.expires, expires);
  }
}

void estimate(const Draws& draws, Pool& pool) {
  const auto drawn_times = [&](std::uint64_t times) {
    return static_cast<double>(std::count_if(draws.begin(), draws.end(),
                                             [&](const auto& one) { return one.second == times; }));
  };
  pool.draws = sum_of(draws);
  pool.drawn = draws.size();
  if (pool.draws == 0) return;
  const double once = drawn_times(1);
  const double twice = drawn_times(2);
  const double unseen = twice > 0 ? once * once / (2 * twice) : once * (once - 1) / 2;
  pool.estimate = static_cast<double>(pool.drawn) + unseen;
  const auto held =
      static_cast<double>(std::count_if(draws.begin(), draws.end(), [&](const auto& one) {
        return pool.addresses.contains(one.first);
      }));
  pool.coverage = std::min(held / pool.estimate, 1 - once / static_cast<double>(pool.draws));
}

// Cut answers are asked for again over TCP; where that was not seen, nobody saw the rest.
bool lacks_the_rest(std::span<const store::NameRecord> rows, Day first) {
  std::map<std::string, std::uint32_t> flags;
  for (const store::NameRecord& row : rows) {
    if (row.day >= first) flags[row.name] |= row.flags;
  }
  return std::any_of(flags.begin(), flags.end(), [](const auto& name) {
    return (name.second & kNameCut) != 0 && (name.second & kNameTcp) == 0;
  });
}

std::string why_not(const Pool& pool, bool cut) {
  if (pool.answers == 0 && pool.untrusted == 0)
    return "no answer was seen that names its addresses";
  if (pool.answers == 0) return "none of its answers came from a resolver that is trusted";
  if (pool.untrusted > 0) {
    return fmt::format("{} of its {} answers came from resolvers that are not trusted",
                       pool.untrusted, pool.untrusted + pool.answers);
  }
  if (cut) return "answers were cut short, and what they left out was not seen";
  if (pool.draws < draws_needed(pool.drawn)) {
    return fmt::format(
        "too little was asked: {} independent answers, {} are needed for {} address{}", pool.draws,
        draws_needed(pool.drawn), pool.drawn, pool.drawn == 1 ? "" : "es");
  }
  if (pool.coverage < kPoolCoverage) {
    return fmt::format(
        "its pool of addresses is not known: about {:.1f} of them, coverage {:.3f} < {}",
        pool.estimate, pool.coverage, kPoolCoverage);
  }
  return "";
}

}  // namespace

std::uint64_t draws_needed(std::uint64_t addresses) {
  const double one_more = static_cast<double>(addresses) + 1;
  const double enough = one_more * std::log(one_more / kUnseenMax);
  return std::max(kDrawsMin, static_cast<std::uint64_t>(std::ceil(enough)));
}

seconds spacing(std::uint32_t ttl_s) {
  return ttl_s == 0 ? seconds(0) : std::max(seconds(ttl_s), kDrawSpacingMin);
}

Pool pool_of(std::span<const store::NameRecord> rows, TimePoint now) {
  Pool pool;
  add_addresses(rows, now, pool);
  Draws draws;
  const Day today = day_of(now);
  const Day first = draw(sample_of(rows), today, draws);
  for (const store::NameRecord& row : rows) {
    if (row.day < first || row.day > today) continue;
    (row.trusted ? pool.answers : pool.untrusted) += row.answers;
  }
  estimate(draws, pool);
  pool.why_not = why_not(pool, lacks_the_rest(rows, first));
  return pool;
}

}  // namespace outflow::analysis
