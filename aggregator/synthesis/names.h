// What a policy says of a destination known by name: by its name where the dialect has names, else
// by a set of the addresses behind it, and only where those are known. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aggregator/analysis/name_sets.h"
#include "aggregator/synthesis/policy.h"

namespace outflow::synthesis {

// What the rules of one namespace know of names.
struct Names {
  std::string namespace_name;
  Dialect dialect = Dialect::CalicoOss;
  SetsMode mode = SetsMode::Live;
  std::span<const analysis::NameSet> sets = {};
};

// nullptr when the class has none.
[[nodiscard]] const analysis::NameSet* set_of(const Names& names, const std::string& class_name);

// The needs that rules are made of: a wildcard whose addresses cannot be listed gives way to its
// own names, some of whose can. Only for a dialect without names.
[[nodiscard]] std::vector<analysis::Need> needs_for_rules(std::span<const analysis::Need> needs,
                                                          const Names& names);

// Why a need of kind Name gets no rule, with the numbers and what to do instead; nullopt when it
// gets one, and for other kinds.
[[nodiscard]] std::optional<std::string> why_no_name_rule(const analysis::Need& need,
                                                          const Names& names);

// Why no rule leads to the class's set, whatever the reason; "" when one does. `needs` are those of
// the finding. For a dialect without names.
[[nodiscard]] std::string why_unused(const std::string& class_name,
                                     std::span<const analysis::Need> needs, const Names& names);

// "outflow-web-api-example-com": one DNS label of at most 63 characters, which is a value of a
// label as well. A hash of both names stands at its end where they were cut, or where two pairs of
// names could give the same text.
[[nodiscard]] std::string set_name(const std::string& namespace_name,
                                   const std::string& class_name);

// The set as it stands in a policy's file or in the cluster. Its annotations are the class, its
// names (the first kNamesShown) and its evidence.
[[nodiscard]] GlobalNetworkSet network_set(const std::string& namespace_name,
                                           const analysis::NameSet& set, SetsMode mode);
inline constexpr std::size_t kNamesShown = 8;

// "*.cdn.example.com, by the addresses in set ..." and what a person should know before it is
// applied: wider wildcards, other names at the same addresses, other likely names.
[[nodiscard]] std::string name_what(const analysis::Need& need, const Names& names);
[[nodiscard]] std::vector<std::string> name_reviews(std::span<const analysis::Need* const> needs,
                                                    const Names& names);

// "3 addresses of about 3.0, coverage 1.000, 120 answers, 40 independent".
[[nodiscard]] std::string pool_text(const analysis::Pool& pool);

}  // namespace outflow::synthesis
