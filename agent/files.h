// Small files that are whole or absent, whenever the process is killed.
#pragma once

#include <optional>
#include <string>

#include "common/result.h"

namespace outflow::agent {

// Writes beside the file, then renames. `durable` also syncs both, for what must outlive the
// machine.
[[nodiscard]] Result<void> write_file(const std::string& path, const std::string& content,
                                      bool durable);
// nullopt when there is no such file.
[[nodiscard]] Result<std::optional<std::string>> read_file(const std::string& path);

[[nodiscard]] Result<void> make_directories(const std::string& path);

}  // namespace outflow::agent
