#include "aggregator/analysis/name_sets.h"

#include <utility>

namespace outflow::analysis {
namespace {

using NamesOf = std::map<net::Address, std::set<std::string>>;

NameSet set_of(const Need& need, std::span<const store::NameRecord> rows, const NamesOf& names_of,
               TimePoint now) {
  NameSet set;
  set.class_name = need.peer.name;
  set.pattern = pattern_of(need);
  set.provider = need.peer.provider;
  std::vector<store::NameRecord> own;
  for (const store::NameRecord& row : rows) {
    if (matches(set.pattern, row.name)) own.push_back(row);
  }
  set.pool = pool_of(own, now);
  for (const auto& [address, told] : set.pool.addresses) {
    std::set<std::string> others;
    for (const std::string& name : names_of.at(address)) {
      if (!matches(set.pattern, name)) others.insert(name);
    }
    if (!others.empty()) set.also.emplace(address, std::move(others));
  }
  return set;
}

struct Maker {
  std::span<const store::NameRecord> rows;
  TimePoint now{};
  NamesOf names_of = {};
  std::map<std::string, NameSet> sets = {};

  void add(const Need& need) {
    if (need.peer.kind != attribution::PeerKind::Name) return;
    const auto known = sets.find(need.peer.name);
    // Two ports of one class may have seen different names: the wider pattern stands.
    const bool is_known =
        known != sets.end() && known->second.pattern.kind >= pattern_of(need).kind;
    if (!is_known) {
      sets.insert_or_assign(need.peer.name, set_of(need, rows, names_of, now));
    }
    if (sets.at(need.peer.name).pool.usable()) return;
    for (const Need& member : need.members) add(member);
  }
};

}  // namespace

std::vector<NameSet> name_sets_of(const Finding& finding, std::span<const store::NameRecord> rows,
                                  TimePoint now) {
  Maker maker{.rows = rows, .now = now};
  for (const store::NameRecord& row : rows) maker.names_of[row.address].insert(row.name);
  for (const Need& need : finding.needs) maker.add(need);
  std::vector<NameSet> list;
  for (auto& [name, set] : maker.sets) list.push_back(std::move(set));
  return list;
}

}  // namespace outflow::analysis
