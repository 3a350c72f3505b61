// What moves: records whose ends were unknown and are known now.
#include <span>

#include "aggregator/store/database.h"

namespace outflow::store {
namespace {

// Agents wait while records move, so they move in pieces.
constexpr std::size_t kMovesMax = 4096;

bool has_unknown_end(const History& history) {
  return history.source.namespace_name.empty() ||
         history.peer.kind == attribution::PeerKind::Unknown;
}

// The record at its new place, and what it tells about its node.
void move(rocksdb::WriteBatch& batch, const std::string& old_key, const History& history) {
  const std::string new_key = flow_key(history);
  if (new_key == old_key) {
    batch.Put(new_key, flow_value(history));
    return;
  }
  batch.Delete(old_key);
  batch.Merge(new_key, flow_value(history));
  if (history.raw.evidence == Evidence::Agent && !history.source.namespace_name.empty()) {
    batch.Put(presence_key({history.source.namespace_name, history.raw.node, history.day}),
              presence_value());
  }
}

}  // namespace

Result<std::uint64_t> Store::rejudge(Day from, Day to, const Judge& judge) {
  // First without the lock, because nearly all records stay as they are.
  std::vector<std::string> candidates;
  auto scanned = scan(std::nullopt, from, to, [&](const History& history) {
    if (!has_unknown_end(history)) return true;
    History judged = history;
    if (judge(judged)) candidates.push_back(flow_key(history));
    return true;
  });
  if (!scanned) return fail(std::move(scanned).error());

  std::uint64_t moved = 0;
  for (std::span<const std::string> rest(candidates); !rest.empty();) {
    const auto piece = rest.first(std::min(kMovesMax, rest.size()));
    rest = rest.subspan(piece.size());
    const MutexLock lock(database_->writing);
    rocksdb::WriteBatch batch;
    for (const std::string& key : piece) {
      const auto value = database_->get(key);
      if (!value) return fail(Error(value.error()));
      if (!*value) continue;  // expired meanwhile
      History history;
      if (!read_flow_key(key, history) || !read_flow_value(**value, history)) {
        return fail(damaged(key));
      }
      if (!judge(history)) continue;
      move(batch, key, history);
      ++moved;
    }
    if (auto written = database_->write(batch); !written) return fail(std::move(written).error());
  }
  return moved;
}

}  // namespace outflow::store
