#include "agent/name_table.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace outflow::agent {
namespace {

bool is_later(std::uint32_t than, std::uint32_t jiffies) {
  return static_cast<std::int32_t>(jiffies - than) > 0;
}

}  // namespace

std::size_t NameTable::Hash::operator()(const View& view) const noexcept {
  const std::size_t address = std::hash<net::Address>()(view.address);
  const std::size_t name = std::hash<std::string_view>()(view.name);
  return name ^ (address + view.interface_id * 0x9e3779b97f4a7c15ULL);  // the golden ratio's
}

// Null: no room.
NameTable::Row* NameTable::row_of(const View& view, OfInterface& own) {
  if (const auto found = rows_.find(view); found != rows_.end()) return &found->second;
  if (rows_.size() >= bounds_.rows || own.rows >= bounds_.interface_rows) return nullptr;
  if (!has_text(own, view.name.size())) return nullptr;
  ++own.rows;
  own.text += view.name.size();
  text_ += view.name.size();
  return &rows_[{view.interface_id, view.address, std::string(view.name)}];
}

// Processors write into the ring in turn, so messages come almost in the order of their times.
void NameTable::fold(Row& row, const Row& later, std::string_view target, OfInterface& own) {
  const bool first = row.answers == 0;
  if (first || is_later(later.first_jiffies, row.first_jiffies)) {
    row.first_jiffies = later.first_jiffies;
  }
  row.answers += later.answers;
  row.flags |= later.flags;
  if (!first && is_later(later.last_jiffies, row.last_jiffies)) return;
  row.last_jiffies = later.last_jiffies;
  row.resolver = later.resolver;
  row.ttl_s = later.ttl_s;
  if (row.target == target || !has_text(own, target.size())) return;
  own.text += target.size() - row.target.size();
  text_ += target.size() - row.target.size();
  row.target = target;
}

bool NameTable::add(const Told& told) {
  OfInterface& own = of_interface_[told.interface_id];
  Row* const row = row_of({told.interface_id, told.address, told.name}, own);
  if (row == nullptr) return false;
  fold(*row,
       {.resolver = told.resolver,
        .target = {},
        .ttl_s = told.ttl_s,
        .flags = told.flags,
        .first_jiffies = told.jiffies,
        .last_jiffies = told.jiffies,
        .answers = 1},
       told.target, own);
  return true;
}

std::uint64_t NameTable::take(NameTable& other) {
  std::uint64_t lost = 0;
  if (rows_.empty()) {
    rows_.swap(other.rows_);
    of_interface_.swap(other.of_interface_);
    std::swap(text_, other.text_);
  }
  for (const auto& [key, later] : other.rows_) {
    OfInterface& own = of_interface_[key.interface_id];
    Row* const row = row_of(view_of(key), own);
    if (row == nullptr) {
      lost += later.answers;
    } else {
      fold(*row, later, later.target, own);
    }
  }
  other.clear();
  return lost;
}

std::vector<NameAnswer> NameTable::rows(const JiffyClock& clock, const Interval& interval) const {
  std::vector<NameAnswer> all;
  all.reserve(rows_.size());
  const auto time_of = [&](std::uint32_t jiffies) {
    return std::clamp(clock.time_of(jiffies), interval.start, interval.end);
  };
  for (const auto& [key, row] : rows_) {
    all.push_back({.interface_id = key.interface_id,
                   .name = key.name,
                   .address = key.address,
                   .resolver = row.resolver,
                   .target = row.target,
                   .ttl_s = row.ttl_s,
                   .flags = row.flags,
                   .answers = row.answers,
                   .first_answered = time_of(row.first_jiffies),
                   .last_answered = time_of(row.last_jiffies)});
  }
  return all;
}

void NameTable::clear() {
  rows_.clear();
  of_interface_.clear();
  text_ = 0;
}

}  // namespace outflow::agent
