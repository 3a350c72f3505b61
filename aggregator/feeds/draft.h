// A version of a feed while it is read: every row is taken or refused by a rule, and what is
// refused is counted and its first one told. Nothing here fails but a feed without a single prefix
// left.
//
// Refused are: what is no prefix; host bits (a typing error means another prefix, and which one is
// a guess); the default route; prefixes in or around private and special-purpose ranges (nobody's
// addresses on the internet); IPv4 shorter than /8 and IPv6 shorter than /20 (no provider has as
// much: the largest published ones are /9 and /24); names of other letters than a class may have;
// and the same prefix twice in one class, which costs nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/feeds/range_set.h"
#include "common/result.h"

namespace outflow::feeds {

enum class Refusal : std::uint8_t {
  NoPrefix,
  HostBits,
  DefaultRoute,
  SpecialPurpose,
  TooWide,
  BadName,
  Duplicate,
};
// "no-prefix", "host-bits", "default-route", "special-purpose", "too-wide", "bad-name",
// "duplicate".
[[nodiscard]] std::string_view to_text(Refusal refusal);

struct Refused {
  std::uint64_t count = 0;
  std::string first;  // the place and the text: "prefixes[3].ip_prefix: '10.0.0.0/8'"
};
using Refusals = std::map<Refusal, Refused>;

inline constexpr int kShortestV4 = 8;
inline constexpr int kShortestV6 = 20;
// Azure, the largest of all, publishes about 110,000.
inline constexpr std::size_t kRangesMax = 1'000'000;

struct Loaded {
  std::vector<RangeClass> classes;
  std::vector<Range> ranges;  // sorted, each once
  Refusals refused;
};

// The rule that refuses a prefix, in the order above; nullopt when none does. Own classes may hold
// private and link-local ranges, of any length.
[[nodiscard]] std::optional<Refusal> refusal_of(std::string_view text, bool own);

// A service or region as a class may have it: a space or another sign becomes '-' ("Google Cloud":
// "Google-Cloud"). nullopt when it is longer than kPartMax or has bytes that are not printable
// ASCII.
[[nodiscard]] std::optional<std::string> class_part(std::string_view text);

class Draft {
 public:
  // What the manifest says of a feed, whatever the feed says itself.
  struct Told {
    std::optional<Direction> direction = std::nullopt;
    bool shared = false;
    friend bool operator==(const Told&, const Told&) = default;
  };
  Draft() = default;
  explicit Draft(const Told& told) : told_(told) {}

  // `place` is where the text stands; `service` and `region` of the class as the feed has them.
  void add(std::string_view prefix, RangeClass range_class, std::string_view place);
  [[nodiscard]] bool is_full() const { return ranges_.size() > kRangesMax; }
  // An Error when no prefix is left, or there are more than kRangesMax.
  [[nodiscard]] Result<Loaded> finish() &&;

 private:
  void refuse(Refusal refusal, std::string_view text, std::string_view place);

  Told told_;
  std::map<RangeClass, std::uint32_t> classes_;
  std::vector<Range> ranges_;
  Refusals refused_;
};

}  // namespace outflow::feeds
