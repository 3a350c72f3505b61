// Whether a namespace was seen, and if not, why: unknown is a value, and has a reason. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/api/watch.h"
#include "aggregator/inventory/snapshot.h"

namespace outflow::api {

struct Seen {
  std::uint64_t records = 0;
  TimePoint last{};
};

struct CoverageInput {
  std::string namespace_name;  // "": sources nobody knew
  Seen seen;
  // Nodes where it had a hooked interface in the window, and on its last such day.
  std::set<std::string> hooked;
  std::set<std::string> hooked_lately;
  Day last_hooked{};
};

// Of a namespace nothing was seen of: what its hooked interfaces say.
[[nodiscard]] CoverageInput input_of(const std::string& namespace_name,
                                     std::span<const store::Presence> presences);

struct Coverage {
  std::string_view status;  // of NamespaceCoverage in query.proto
  std::string reason;       // a sentence without its full stop
  std::uint64_t pods = 0;   // that run, or are about to
  std::uint64_t pods_watched = 0;
};

[[nodiscard]] Coverage coverage_of(const CoverageInput& input, const inventory::Snapshot& snapshot,
                                   const NodeWatches& nodes);

}  // namespace outflow::api
