// The directory maps and links are pinned in.
#pragma once

#include <string>
#include <vector>

#include "common/fd.h"
#include "common/result.h"

namespace outflow::agent {

// Makes `path` a directory on a bpffs, mounting one there if it is on none.
[[nodiscard]] Result<void> ensure_bpffs(const std::string& path);

// A directory locked for this process until the Fd goes; an Error when another holds it.
[[nodiscard]] Result<Fd> lock_directory(const std::string& path);

// Names in a directory without "." and ".."; none when there is no such directory.
[[nodiscard]] std::vector<std::string> names_in(const std::string& path);

// Removes the directory, and its mount if it is the root of a bpffs of its own. It must be empty.
void remove_bpffs(const std::string& path);

}  // namespace outflow::agent
