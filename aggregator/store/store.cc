// What writes: a batch of an agent, lines of a log, and the end of old days.
#include "aggregator/store/store.h"

#include <algorithm>
#include <limits>
#include <set>

#include "aggregator/store/database.h"
#include "aggregator/store/name_record.h"

namespace outflow::store {
namespace {

constexpr nanoseconds kDayLength = std::chrono::days(1);

constexpr const char* kGapReason = "sequence_gap";

void add_to(std::map<std::string, std::uint64_t>& counters, const std::string& reason,
            std::uint64_t count) {
  std::uint64_t& sum = counters[reason];
  sum = count > std::numeric_limits<std::uint64_t>::max() - sum
            ? std::numeric_limits<std::uint64_t>::max()
            : sum + count;
}

// What a batch adds to each day its interval touches. A loss may have hit any of them, so it stands
// on all; what was skipped by design stands on the last. `gap` batches went missing before it.
std::map<Day, NodeDay> split_by_day(const Addition& addition, std::uint64_t gap) {
  std::map<Day, NodeDay> days;
  const TimePoint end = addition.interval.end;
  TimePoint from = std::max(addition.interval.start, end - kIntervalDaysMax);
  days[day_of(from)];  // an empty interval has a day, too
  if (gap > 0) add_to(days[day_of(from)].losses, kGapReason, gap);
  while (from < end) {
    const TimePoint to = std::min(end, TimePoint(day_of(from) + std::chrono::days(1)));
    days[day_of(from)].covered += to - from;
    from = to;
  }
  for (auto& [day, node_day] : days) {
    for (const Counter& loss : addition.losses) add_to(node_day.losses, loss.reason, loss.count);
  }
  for (const Counter& counter : addition.skipped) {
    add_to(days.rbegin()->second.skipped, counter.reason, counter.count);
  }
  return days;
}

void merge_node_day(NodeDay& sum, const NodeDay& part) {
  sum.covered = std::min(kDayLength, sum.covered + part.covered);
  for (const auto& [reason, count] : part.losses) add_to(sum.losses, reason, count);
  for (const auto& [reason, count] : part.skipped) add_to(sum.skipped, reason, count);
}

// Batches that never came before this one. A node never seen may be old already: its past is not
// our loss.
std::uint64_t missing_before(std::uint64_t sequence, const std::optional<BootMark>& mark,
                             bool node_known) {
  if (mark) return sequence - mark->sequence - 1;
  return node_known ? sequence - 1 : 0;
}

}  // namespace

Result<Merge> Store::add(const Addition& addition) {
  const MutexLock lock(database_->writing);
  const NodeMark& mark = addition.mark;
  const std::string key = boot_key(mark.node, mark.boot);
  const auto kept = database_->get(key);
  if (!kept) return fail(Error(kept.error()));
  std::optional<BootMark> before;
  if (*kept) {
    before.emplace();
    if (!read_boot(key, **kept, *before)) return fail(damaged(key));
    if (mark.sequence <= before->sequence) return Merge::Repeated;
  }
  const auto known = database_->get(agent_key(mark.node));
  if (!known) return fail(Error(known.error()));

  rocksdb::WriteBatch batch;
  batch.Put(key, boot_value({mark.node, mark.boot, mark.sequence, mark.last_end}));
  batch.Put(agent_key(mark.node), agent_value(mark));
  const std::uint64_t gap = missing_before(mark.sequence, before, known->has_value());
  for (const auto& [day, part] : split_by_day(addition, gap)) {
    const std::string day_key = node_day_key(day, mark.node);
    const auto value = database_->get(day_key);
    if (!value) return fail(Error(value.error()));
    NodeDay sum;
    if (*value && !read_node_day(day_key, **value, sum)) return fail(damaged(day_key));
    merge_node_day(sum, part);
    batch.Put(day_key, node_day_value(sum));
  }
  for (const Presence& presence : addition.presences) {
    batch.Put(presence_key(presence), presence_value());
  }
  for (const History& history : addition.histories) {
    batch.Merge(flow_key(history), flow_value(history));
  }
  for (const NameRecord& name : addition.names) batch.Merge(name_key(name), name_value(name));
  if (auto written = database_->write(batch); !written) return fail(std::move(written).error());
  return Merge::Merged;
}

Result<std::uint64_t> Store::add_log(std::span<const LogLine> lines) {
  const MutexLock lock(database_->writing);
  rocksdb::WriteBatch batch;
  std::set<std::string> added;
  for (const LogLine& line : lines) {
    if (line.history.day < database_->first_kept_day()) continue;  // its digest is gone already
    std::string key = log_line_key(line.history.day, line.digest);
    const auto kept = database_->get(key);
    if (!kept) return fail(Error(kept.error()));
    if (*kept || added.contains(key)) continue;
    batch.Put(key, presence_value());
    batch.Merge(flow_key(line.history), flow_value(line.history));
    added.insert(std::move(key));
  }
  if (added.empty()) return 0;
  if (auto written = database_->write(batch); !written) return fail(std::move(written).error());
  return added.size();
}

Result<std::uint64_t> Store::expire(TimePoint now) {
  const MutexLock lock(database_->writing);
  // Whole days only: the day the retention reaches into is kept.
  const TimePoint oldest = now - std::min(database_->retention, now - from_unix_ns(0) + kDayLength);
  const Day first = day_of(oldest);
  database_->first_kept = first.time_since_epoch().count();
  rocksdb::WriteBatch batch;
  std::uint64_t gone = 0;
  History history;
  Range flows(*database_->db, table_key(Table::Flows), table_end(Table::Flows));
  while (flows.valid()) {
    if (!read_flow_key(flows.key(), history)) return fail(damaged(flows.key()));
    const std::string& name = history.source.namespace_name;
    if (history.day >= first) {
      flows.seek(namespace_end(name));
      continue;
    }
    if (const std::string end = namespace_day_key(name, first); flows.valid()) {
      batch.DeleteRange(flows.key(), end);
      for (; flows.valid() && flows.key() < end; flows.next()) ++gone;
    }
  }
  if (auto finished = flows.finish(); !finished) return fail(std::move(finished).error());
  if (auto named = database_->expire_names(std::max(first, day_of(now) - kNameDays), batch);
      !named) {
    return fail(std::move(named).error());
  }
  for (const Table table : {Table::NodeDays, Table::Presences, Table::LogLines}) {
    batch.DeleteRange(table_key(table), day_key(table, first));
  }
  Range boots(*database_->db, table_key(Table::Marks), table_end(Table::Marks));
  for (BootMark mark; boots.valid(); boots.next()) {
    if (!read_boot(boots.key(), boots.value(), mark)) return fail(damaged(boots.key()));
    if (mark.last_end < oldest) batch.Delete(boots.key());
  }
  if (auto finished = boots.finish(); !finished) return fail(std::move(finished).error());
  Range agents(*database_->db, table_key(Table::Agents), table_end(Table::Agents));
  for (NodeMark mark; agents.valid(); agents.next()) {
    if (!read_agent(agents.key(), agents.value(), mark)) return fail(damaged(agents.key()));
    if (mark.last_end < oldest) batch.Delete(agents.key());
  }
  if (auto finished = agents.finish(); !finished) return fail(std::move(finished).error());
  if (auto written = database_->write(batch); !written) return fail(std::move(written).error());
  return gone;
}

}  // namespace outflow::store
