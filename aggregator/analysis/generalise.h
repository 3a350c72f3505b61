// Names that are one destination: "a3.cdn.example.com", "a7.cdn.example.com" ... as
// "*.cdn.example.com". Pure.
//
// What is proposed is never wider than one owner's names (suffix.h), and only where the names
// themselves say that more of them will come: many on several days, or labels a machine makes.
// Everything else stays the exact name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/analysis/finding.h"

namespace outflow::analysis {

// What a class stands for. Dialects differ in what their wildcard takes, so each writer narrows or
// widens this, and says so. None of them takes the name itself: "*.v" is not "v".
struct NamePattern {
  enum class Kind : std::uint8_t {
    Exact,     // the name
    OneLabel,  // names with exactly one label more than it
    Subtree,   // names with one or more labels more
  };
  Kind kind = Kind::Exact;
  std::string name;  // "cdn.example.com", without "*."
  friend auto operator<=>(const NamePattern&, const NamePattern&) = default;
};
// As a person reads it: "api.example.com", "*.cdn.example.com".
[[nodiscard]] std::string pattern_text(const NamePattern& pattern);
[[nodiscard]] bool matches(const NamePattern& pattern, std::string_view name);
// Of a need of kind Name. All names of a class that lie one label below make it OneLabel.
[[nodiscard]] NamePattern pattern_of(const Need& need);

// Whether the need holds what was asked of this peer: it is the peer, or a class of names it is in.
[[nodiscard]] bool is_need_of(const Need& need, const attribution::Peer& peer);

// When names are many enough to be a class. 0 stands for the default.
struct GeneraliseOptions {
  std::uint32_t names = 4;  // directly below the class, at least
  std::uint32_t days = 3;   // on which they were used, together
};
// Two names are enough where their labels look made by a machine: hexadecimal or a UUID, a family
// that differs in digits alone ("s3-r-1", "s3-r-2"), or at least 8 characters of more than 3 bits
// each that no word would have.
inline constexpr std::size_t kMachineNames = 2;
// Of the names of a class at least so many are in one provider's range, or in none.
// Of the labels, so that "www" and "login" beside two numbered hosts are no machine's family.
inline constexpr double kMachineShare = 0.8;
inline constexpr double kProviderShare = 0.8;

// Joins needs of kind Name into classes; each port and protocol is judged by itself. What was only
// attempted makes no class and is in none: nobody knows whether there is such a destination. The
// peer of a class is that of its latest member, called "*.v"; its `names` and `members` are the
// names and needs it is made of, its `class_reason` why they are one. Others come through as they
// are. In the order of a finding; the order of
// `needs` does not matter.
[[nodiscard]] std::vector<Need> generalise(std::vector<Need> needs,
                                           const GeneraliseOptions& options = {});

}  // namespace outflow::analysis
