// Small files, read whole (certificates, tokens, a kubeconfig) and written whole or not at all,
// whenever the process is killed.
#pragma once

#include <cstddef>
#include <string>

#include "common/result.h"

namespace outflow {

// Errors name the file: that it is not there or cannot be read, or has more than `bytes_max`.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

// Writes beside the file, then renames. `durable` also syncs both, for what must outlive the
// machine. Nobody else may read it.
[[nodiscard]] Result<void> write_file(const std::string& path, const std::string& content,
                                      bool durable);

}  // namespace outflow
