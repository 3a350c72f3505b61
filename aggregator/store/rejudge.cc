// What moves: records one of whose ends is known better now.
#include <algorithm>

#include "aggregator/store/database.h"

namespace outflow::store {
namespace {

// Agents wait while records move, so they move in pieces.
constexpr std::size_t kMovesMax = 4096;

bool may_be_known_better(const History& history) {
  return history.source.namespace_name.empty() || attribution::is_stranger(history.peer.kind);
}

// The record at its new place, and what it tells about its node.
void put(rocksdb::WriteBatch& batch, const History& history) {
  batch.Merge(flow_key(history), flow_value(history));
  if (history.raw.evidence == Evidence::Agent && !history.source.namespace_name.empty()) {
    batch.Put(presence_key({history.source.namespace_name, history.raw.node, history.day}),
              presence_value());
  }
}

}  // namespace

Result<std::vector<std::string>> Store::Database::judged_otherwise(Day day,
                                                                   const Judge& judge) const {
  std::vector<std::string> keys;
  auto walked =
      walk(std::nullopt, day, day, [&](History& history, std::string_view value) -> Result<bool> {
        if (!may_be_known_better(history)) return true;
        if (!read_flow_value(value, history)) return fail(damaged(history));
        std::string key = flow_key(history);
        if (judge(history)) keys.push_back(std::move(key));
        return true;
      });
  if (!walked) return fail(std::move(walked).error());
  return keys;
}

Result<std::uint64_t> Store::Database::move(std::span<const std::string> keys, const Judge& judge) {
  const MutexLock lock(writing);
  rocksdb::WriteBatch batch;
  std::vector<History> moved;
  for (const std::string& key : keys) {
    const auto value = get(key);
    if (!value) return fail(Error(value.error()));
    if (!*value) continue;  // expired meanwhile
    History history;
    if (!read_flow_key(key, history) || !read_flow_value(**value, history)) {
      return fail(damaged(key));
    }
    if (!judge(history)) continue;
    batch.Delete(key);
    moved.push_back(std::move(history));
  }
  // After all that leave: one may come to where another one was.
  for (const History& history : moved) put(batch, history);
  if (auto written = write(batch); !written) return fail(std::move(written).error());
  return moved.size();
}

// Day by day, so that what waits to be moved is never more than a day's.
Result<std::uint64_t> Store::rejudge(Day from, Day to, const Judge& judge) {
  std::uint64_t moved = 0;
  for (Day day = std::max(from, database_->first_kept_day()); day <= to;
       day += std::chrono::days(1)) {
    // First without the lock, because nearly all records stay as they are.
    const auto keys = database_->judged_otherwise(day, judge);
    if (!keys) return fail(Error(keys.error()));
    for (std::span<const std::string> rest(*keys); !rest.empty();) {
      const auto piece = rest.first(std::min(kMovesMax, rest.size()));
      rest = rest.subspan(piece.size());
      const auto some = database_->move(piece, judge);
      if (!some) return fail(Error(some.error()));
      moved += *some;
    }
  }
  return moved;
}

}  // namespace outflow::store
