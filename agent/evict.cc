#include "agent/evict.h"

#include <algorithm>

namespace outflow::agent {
namespace {

// Jiffies that a tuple may be younger than the reading of the clock: 17 minutes at 1,000 Hz.
constexpr std::uint32_t kLaterMax = 1U << 20U;

std::size_t part_of(std::size_t room, double part) {
  return static_cast<std::size_t>(static_cast<double>(room) * part);
}

}  // namespace

bool wants_room(std::size_t rows, std::size_t room) {
  return rows > part_of(room, kEvictAbove);
}

std::vector<TupleRow> idle_rows(const std::vector<TupleRow>& rows, const Room& room,
                                const JiffyClock& now,
                                const std::function<bool(const FlowKey&)>& alive) {
  if (!wants_room(rows.size(), room.rows_max)) return {};
  std::vector<TupleRow> dead;
  std::vector<TupleRow> standing;
  for (const TupleRow& row : rows) {
    // Unsigned, so that it is right for as long as jiffies take to wrap; what came after the
    // reading looks like the whole of that.
    const std::uint32_t age = now.jiffies - row.stats.last_jiffies;
    const bool later = ~age < kLaterMax;
    if (later || now.tick * std::int64_t{age} < room.idle_min) continue;
    (alive(to_key(row.key)) ? standing : dead).push_back(row);
  }
  const auto longer_idle = [&now](const TupleRow& a, const TupleRow& b) {
    return now.jiffies - a.stats.last_jiffies > now.jiffies - b.stats.last_jiffies;
  };
  std::sort(dead.begin(), dead.end(), longer_idle);
  std::sort(standing.begin(), standing.end(), longer_idle);

  const std::size_t surplus = rows.size() - part_of(room.rows_max, kEvictTo);
  const std::size_t pressing = rows.size() - part_of(room.rows_max, kEvictAbove);
  dead.resize(std::min(dead.size(), surplus));
  const std::size_t missing = pressing > dead.size() ? pressing - dead.size() : 0;
  standing.resize(std::min(standing.size(), missing));
  dead.insert(dead.end(), standing.begin(), standing.end());
  return dead;
}

}  // namespace outflow::agent
