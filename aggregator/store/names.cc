// Reads and ends what pods were told of names.
#include <algorithm>

#include "aggregator/store/database.h"
#include "aggregator/store/name_record.h"

namespace outflow::store {

Result<void> Store::scan_names(const std::optional<std::string>& namespace_name, Day from, Day to,
                               const VisitName& visit) const {
  from = std::max(from, Day(std::chrono::days(database_->first_kept_name.load())));
  constexpr Table kNames = Table::Names;
  Range rows(*database_->db,
             namespace_name ? namespace_day_key(*namespace_name, from, kNames) : table_key(kNames),
             namespace_name ? namespace_end(*namespace_name, kNames) : table_end(kNames));
  NameRecord record;
  while (rows.valid()) {
    if (!read_name_key(rows.key(), record)) return fail(damaged(rows.key()));
    if (record.day < from) {
      rows.seek(namespace_day_key(record.namespace_name, from, kNames));
    } else if (record.day > to) {
      rows.seek(namespace_end(record.namespace_name, kNames));
    } else {
      if (!read_name_value(rows.value(), record)) return fail(damaged(rows.key()));
      if (!visit(record)) break;
      rows.next();
    }
  }
  return rows.finish();
}

Result<void> Store::Database::expire_names(Day first, rocksdb::WriteBatch& batch) {
  first_kept_name = first.time_since_epoch().count();
  NameRecord record;
  Range rows(*db, table_key(Table::Names), table_end(Table::Names));
  while (rows.valid()) {
    if (!read_name_key(rows.key(), record)) return fail(damaged(rows.key()));
    const std::string& name = record.namespace_name;
    if (record.day < first) {
      batch.DeleteRange(rows.key(), namespace_day_key(name, first, Table::Names));
    }
    rows.seek(namespace_end(name, Table::Names));
  }
  return rows.finish();
}

}  // namespace outflow::store
