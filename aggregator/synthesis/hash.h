// Tells apart long names that were cut. Short, stable, and not meant to withstand anybody.
#pragma once

#include <cstdint>
#include <string_view>

namespace outflow::synthesis {

// FNV-1a with 32 bits (draft-eastlake-fnv).
[[nodiscard]] constexpr std::uint32_t fnv1a(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace outflow::synthesis
