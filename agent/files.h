// Small files that are whole or absent, whenever the process is killed.
#pragma once

#include <optional>
#include <string>

#include "common/file.h"
#include "common/result.h"

namespace outflow::agent {

// nullopt when there is no such file.
[[nodiscard]] Result<std::optional<std::string>> read_file(const std::string& path);

[[nodiscard]] Result<void> make_directories(const std::string& path);

}  // namespace outflow::agent
