// Sightings -> how likely each name is. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "aggregator/attribution/naming.h"
#include "aggregator/names/answers.h"

namespace outflow::names {

struct Share {
  Id name = 0;
  Id target = 0;
  std::uint16_t permille =
      0;  // what is told: likelihood among the names x what their basis is worth
  attribution::Basis basis = attribution::Basis::Pod;
  bool said = false;
};

// What a flow is known by, in numbers of slots.h: small enough to keep one for each tuple.
struct Verdict {
  attribution::Naming naming = attribution::Naming::None;
  std::vector<Share> shares;  // the likeliest first, then by number
  Id reason = 0;
};

// The names at one moment of the flow's; moments without a name do not count.
struct Look {
  TimePoint time{};
  std::vector<Sighting> sightings;
};

// A name the pod said there, in the clear.
struct Said {
  Id name = 0;
  std::uint64_t count = 0;
};

// Within a look a name weighs exp(-age / tau), and the names share 1; looks count alike. Names that
// were said and are among them share 1 among themselves, by how often they were said. Shares below
// kShareMin are none. Whether the flow is Named or Ambiguous the share says, before it is
// multiplied with what the basis is worth. Naming None when no look has a name.
[[nodiscard]] Verdict weigh(std::span<const Look> looks, std::span<const Said> said);

// A verdict of before, and what was said since.
void decide(Verdict& verdict, std::span<const Said> said);

}  // namespace outflow::names
