// The steps that put a database in its place, each of which can be cut short and taken again.
// Private to the store room.
//
// A database is there when its CURRENT is: that file leaves first and comes last (RocksDB opens
// what it names, and nothing without it).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"

namespace outflow::store {

inline constexpr const char* kRestoringDir = ".restoring";
inline constexpr const char* kUpgradingDir = ".upgrading";
inline constexpr const char* kBeforeDir = ".before-upgrade";
inline constexpr const char* kWholeFile = "WHOLE";  // in such a folder: nothing is missing

// Of the database: regular files, without LOCK.
[[nodiscard]] Result<std::vector<std::string>> database_files(const std::string& directory);
[[nodiscard]] bool has_database(const std::string& directory);
[[nodiscard]] bool exists(const std::string& path);
// Marks the folder as whole, on disk.
[[nodiscard]] Result<void> mark_whole(const std::string& directory);
[[nodiscard]] bool is_whole(const std::string& directory);
// Of its files; one that goes meanwhile, as by a compaction, does not count.
[[nodiscard]] std::uint64_t bytes_of(const std::string& directory);
[[nodiscard]] Result<void> make_folder(const std::string& directory);
[[nodiscard]] Result<void> remove_folder(const std::string& directory);

enum class Current { First, Last };
// Renames every file of the database; both folders are synced on return.
[[nodiscard]] Result<void> move_database(const std::string& from, const std::string& to,
                                         Current current);

// An upgrade whose new store is whole in kUpgradingDir: old files go to kBeforeDir, new ones come,
// both folders go. Begins where it was cut short.
[[nodiscard]] Result<void> swap_in(const std::string& directory);

}  // namespace outflow::store
