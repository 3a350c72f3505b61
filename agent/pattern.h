// Globs over interface names: '*' any text, '?' one character, "[a-z]" and "[!a-z]" one of a set,
// '\' takes the next character as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace outflow::agent {

// "" when `pattern` is a glob that can match an interface name, else why not.
[[nodiscard]] std::string glob_error(std::string_view pattern);

[[nodiscard]] bool matches_any(const std::vector<std::string>& patterns, const std::string& name);

}  // namespace outflow::agent
