// What reads: records in key order, and what is known about nodes, days and agents.
#include <algorithm>

#include "aggregator/store/database.h"

namespace outflow::store {
namespace {

// Up to so many records are counted one by one; RocksDB's own estimate counts every merge of a
// record that is still in memory, which makes a small store look large.
constexpr std::uint64_t kCountedMax = 100'000;

}  // namespace

Result<void> Store::Database::walk(const std::optional<std::string>& namespace_name, Day from,
                                   Day to, const VisitKey& visit) const {
  from = std::max(from, first_kept_day());
  Range records(*db,
                namespace_name ? namespace_day_key(*namespace_name, from) : table_key(Table::Flows),
                namespace_name ? namespace_end(*namespace_name) : table_end(Table::Flows));
  while (records.valid()) {
    History history;
    if (!read_flow_key(records.key(), history)) return fail(damaged(records.key()));
    if (history.day < from) {
      records.seek(namespace_day_key(history.source.namespace_name, from));
      continue;
    }
    if (history.day > to) {
      records.seek(namespace_end(history.source.namespace_name));
      continue;
    }
    const auto more = visit(history, records.value());
    if (!more) return fail(Error(more.error()));
    if (!*more) break;
    records.next();
  }
  return records.finish();
}

Result<void> Store::scan(const std::optional<std::string>& namespace_name, Day from, Day to,
                         const Visit& visit) const {
  return database_->walk(namespace_name, from, to,
                         [&](History& history, std::string_view value) -> Result<bool> {
                           if (!read_flow_value(value, history)) return fail(damaged(history));
                           return visit(history);
                         });
}

Result<std::vector<std::string>> Store::namespaces(Day from, Day to) const {
  std::vector<std::string> found;
  from = std::max(from, database_->first_kept_day());
  Range records(*database_->db, table_key(Table::Flows), table_end(Table::Flows));
  while (records.valid()) {
    History history;
    if (!read_flow_key(records.key(), history)) return fail(damaged(records.key()));
    const std::string& name = history.source.namespace_name;
    if (history.day < from) {
      records.seek(namespace_day_key(name, from));
      continue;
    }
    if (history.day <= to) found.push_back(name);
    records.seek(namespace_end(name));
  }
  if (auto finished = records.finish(); !finished) return fail(std::move(finished).error());
  return found;
}

Result<std::vector<NodeDay>> Store::node_days(Day from, Day to) const {
  std::vector<NodeDay> found;
  from = std::max(from, database_->first_kept_day());
  if (from > to) return found;
  Range days(*database_->db, day_key(Table::NodeDays, from),
             day_key(Table::NodeDays, to + std::chrono::days(1)));
  for (; days.valid(); days.next()) {
    NodeDay& node_day = found.emplace_back();
    if (!read_node_day(days.key(), days.value(), node_day)) return fail(damaged(days.key()));
  }
  if (auto finished = days.finish(); !finished) return fail(std::move(finished).error());
  return found;
}

Result<std::vector<Presence>> Store::presences(Day from, Day to) const {
  std::vector<Presence> found;
  from = std::max(from, database_->first_kept_day());
  if (from > to) return found;
  Range days(*database_->db, day_key(Table::Presences, from),
             day_key(Table::Presences, to + std::chrono::days(1)));
  for (; days.valid(); days.next()) {
    if (!read_presence(days.key(), found.emplace_back())) return fail(damaged(days.key()));
  }
  if (auto finished = days.finish(); !finished) return fail(std::move(finished).error());
  return found;
}

Result<std::vector<NodeMark>> Store::marks() const {
  std::vector<NodeMark> found;
  Range agents(*database_->db, table_key(Table::Agents), table_end(Table::Agents));
  for (; agents.valid(); agents.next()) {
    NodeMark& mark = found.emplace_back();
    if (!read_agent(agents.key(), agents.value(), mark)) return fail(damaged(agents.key()));
  }
  if (auto finished = agents.finish(); !finished) return fail(std::move(finished).error());
  return found;
}

std::uint64_t Store::Database::bytes_of_table(Table table) const {
  const std::string first = table_key(table);
  const std::string end = table_end(table);
  const rocksdb::Range range(first, end);
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  std::uint64_t bytes = 0;
  db->GetApproximateSizes(options, db->DefaultColumnFamily(), &range, 1, &bytes)
      .PermitUncheckedError();  // 0, then
  return bytes;
}

std::uint64_t Store::records_estimate() const {
  std::uint64_t counted = 0;
  Range records(*database_->db, table_key(Table::Flows), table_end(Table::Flows));
  for (; records.valid() && counted < kCountedMax; records.next()) ++counted;
  if (!records.valid()) return counted;
  std::uint64_t rows = 0;
  database_->db->GetIntProperty(rocksdb::DB::Properties::kEstimateNumKeys, &rows);
  // Names are the other large table; its rows are about as long as those of flows.
  const auto names = static_cast<double>(database_->bytes_of_table(Table::Names));
  const auto flows = static_cast<double>(database_->bytes_of_table(Table::Flows));
  const double share = flows + names > 0 ? flows / (flows + names) : 1;
  return std::max(static_cast<std::uint64_t>(static_cast<double>(rows) * share), counted);
}

std::optional<Day> Store::first_day() const {
  std::optional<Day> first;
  const auto consider = [&first](Day day) { first = first ? std::min(*first, day) : day; };
  const Day kept = database_->first_kept_day();
  Range records(*database_->db, table_key(Table::Flows), table_end(Table::Flows));
  while (records.valid()) {
    History history;
    if (!read_flow_key(records.key(), history)) break;
    const std::string& name = history.source.namespace_name;
    if (history.day >= kept) consider(history.day);
    records.seek(history.day >= kept ? namespace_end(name) : namespace_day_key(name, kept));
  }
  Range days(*database_->db, day_key(Table::NodeDays, kept), table_end(Table::NodeDays));
  NodeDay node_day;
  if (days.valid() && read_node_day(days.key(), days.value(), node_day)) consider(node_day.day);
  return first;
}

}  // namespace outflow::store
