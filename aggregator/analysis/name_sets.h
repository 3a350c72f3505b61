// The addresses that stand for names where a policy cannot say a name: for each class of names a
// namespace dials, one set. Pure.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "aggregator/analysis/finding.h"
#include "aggregator/analysis/generalise.h"
#include "aggregator/analysis/pool.h"

namespace outflow::analysis {

// How far back the store's rows matter to a set: a TTL is at most 7 days (common/names.h), the
// grace one more, and the first day may be a part of one.
inline constexpr std::chrono::days kNameSetDays{9};

struct NameSet {
  std::string class_name;  // as the need's peer is called: "api.example.com", "*.cdn.example.com"
  NamePattern pattern;
  // Of all names the pattern takes that the namespace was told, dialled or not: an address is in
  // the set before the first packet to it.
  Pool pool;
  // Other names the namespace was told for an address of the pool: a rule for the set opens them
  // as well. Addresses without are left out.
  std::map<net::Address, std::set<std::string>> also;
  std::string provider;  // where its traffic went: Peer.provider of the need; "" when none is known
};

// One for each class of kind Name among the needs, by class_name, whatever is proven of it; where
// the pool of a wildcard is not known, one for each of its names beside it: some of theirs may be.
// `rows` are the name records of the finding's namespace.
[[nodiscard]] std::vector<NameSet> name_sets_of(const Finding& finding,
                                                std::span<const store::NameRecord> rows,
                                                TimePoint now);

}  // namespace outflow::analysis
