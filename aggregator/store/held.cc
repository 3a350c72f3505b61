// Who had which addresses when: written by the live inventory, read once at start.
#include "aggregator/store/database.h"
#include "aggregator/store/held_record.h"

namespace outflow::store {

Result<void> Store::put_held(std::span<const inventory::Held> held, TimePoint heard) {
  rocksdb::WriteBatch batch;
  for (const inventory::Held& one : held) batch.Put(held_key(one), held_value(one));
  batch.Put(heard_key(), heard_value(heard));
  return database_->write(batch);
}

Result<TimePoint> Store::held(const VisitHeld& visit) const {
  Range owners(*database_->db, table_key(Table::Owners), table_end(Table::Owners));
  for (; owners.valid(); owners.next()) {
    inventory::Held one;
    if (!read_held(owners.key(), owners.value(), one)) return fail(damaged(owners.key()));
    visit(std::move(one));
  }
  if (auto finished = owners.finish(); !finished) return fail(std::move(finished).error());
  const auto value = database_->get(heard_key());
  if (!value) return fail(Error(value.error()));
  TimePoint heard{};
  if (*value && !read_heard(**value, heard)) return fail(damaged(heard_key()));
  return heard;
}

Result<std::uint64_t> Store::expire_held(TimePoint time) {
  rocksdb::WriteBatch batch;
  std::uint64_t gone = 0;
  Range owners(*database_->db, table_key(Table::Owners), table_end(Table::Owners));
  for (; owners.valid(); owners.next()) {
    inventory::Held one;
    if (!read_held(owners.key(), owners.value(), one)) return fail(damaged(owners.key()));
    const TimePoint over = std::visit([](const auto& of) { return of.told.gone; }, one);
    if (over == TimePoint() || over >= time) continue;
    batch.Delete(owners.key());
    ++gone;
  }
  if (auto finished = owners.finish(); !finished) return fail(std::move(finished).error());
  if (auto written = database_->write(batch); !written) return fail(std::move(written).error());
  return gone;
}

}  // namespace outflow::store
