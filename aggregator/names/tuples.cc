#include "aggregator/names/tuples.h"

#include <utility>

namespace outflow::names {

Tuples::Kept* Tuples::find(const TupleKey& key, std::uint64_t interface_id) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return nullptr;
  Kept& kept = entry->second;
  const bool same = kept.interface_id == 0 || kept.interface_id == interface_id;
  return same ? &kept : nullptr;
}

void Tuples::put(const TupleKey& key, Kept kept) {
  if (entries_.size() >= entries_max_ && !entries_.contains(key)) {
    ++not_kept_;
    return;
  }
  entries_.insert_or_assign(key, std::move(kept));
}

void Tuples::sweep(TimePoint time) {
  std::erase_if(entries_, [time](const auto& entry) { return entry.second.used < time; });
}

}  // namespace outflow::names
