#include "agent/pattern.h"

#include <fnmatch.h>

#include <algorithm>

#include <fmt/format.h>

namespace outflow::agent {

std::string glob_error(std::string_view pattern) {
  const bool printable =
      std::all_of(pattern.begin(), pattern.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (pattern.empty() || !printable) {
    return fmt::format("'{}' is no interface pattern: spaces and empty patterns match nothing",
                       pattern);
  }
  // fnmatch() takes an unclosed '[' as the character itself; nobody means that.
  std::size_t open = std::string_view::npos;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '[' && open == std::string_view::npos) {
      open = i;
    } else if (pattern[i] == ']' && open != std::string_view::npos && i > open + 1) {
      open = std::string_view::npos;
    }
  }
  if (open != std::string_view::npos) return fmt::format("'{}': '[' without ']'", pattern);
  return "";
}

bool matches_any(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

}  // namespace outflow::agent
