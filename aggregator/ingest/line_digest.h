// The name of a line for ever: node, time, text, and which of its equals in the file it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "common/clock.h"

namespace outflow::ingest {

using Digest = std::array<std::uint8_t, 16>;

// Memory is bounded: lines are remembered in two generations, and the older one is forgotten when
// the younger is full. An equal line of the same time that far away then counts as the same one:
// an attempt too few, never a tuple.
class LineDigests {
 public:
  [[nodiscard]] Digest next(std::string_view node, TimePoint time, std::string_view body);
  // From here on equal lines are counted from the start.
  void start_file();

 private:
  static constexpr std::size_t kGenerationMax = 1U << 18U;  // about 20 MiB
  struct Hash {
    std::size_t operator()(const Digest& digest) const noexcept;
  };
  using Counts = std::unordered_map<Digest, std::uint32_t, Hash>;

  Counts young_;
  Counts old_;
};

}  // namespace outflow::ingest
