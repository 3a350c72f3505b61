// How the feeds are doing, for doctor, metrics and answers. Values, taken at one moment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregator/feeds/draft.h"
#include "common/clock.h"

namespace outflow::feeds {

enum class Health : std::uint8_t {
  Waiting,      // nothing of it was read yet
  Good,         // what was read last is in use
  Failed,       // what was read last could not be taken; `why`
  Quarantined,  // it shrank or grew too much at once; `why` says how much, and what accepts it
};
[[nodiscard]] std::string_view to_text(
    Health health);  // "waiting", "good", "failed", "quarantined"

struct FeedState {
  std::string name;
  std::string format;
  std::string source;
  Health health = Health::Waiting;
  std::string why;           // "" when good
  std::size_t prefixes = 0;  // of the version in use; 0: there is none
  std::size_t versions = 0;  // kept
  std::string digest;        // of the version in use
  TimePoint accepted{};      // the version in use; epoch: there is none
  TimePoint as_of{};         // when its source was last read and found good; of files, their change
  nanoseconds every{0};      // of a URL; 0 of files
  std::uint64_t failures = 0;  // since the start: readings that were not taken
  Refusals refused;            // rows of what was read last
};

struct FeedsState {
  std::string manifest;  // "": no feeds are configured
  std::string error;     // why the manifest is not the newest; the last good one is in use
  std::size_t own_classes = 0;
  std::vector<std::string> damaged;  // versions on disk that were left out, and why
  std::vector<FeedState> feeds;      // in the manifest's order
};

}  // namespace outflow::feeds
