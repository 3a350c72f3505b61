// A small file, read whole: certificates, tokens, a kubeconfig.
#pragma once

#include <cstddef>
#include <string>

#include "common/result.h"

namespace outflow {

// Errors name the file: that it is not there or cannot be read, or has more than `bytes_max`.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace outflow
