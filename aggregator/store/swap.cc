#include "aggregator/store/swap.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "common/fd.h"

namespace outflow::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCurrentFile = "CURRENT";

Result<void> sync_folder(const std::string& directory) {
  const Fd folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid() || ::fsync(folder.get()) != 0) {
    return fail("sync " + directory + ": " + errno_text(errno));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> database_files(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (entry->is_regular_file(error) && name != "LOCK" && name != kWholeFile) {
      names.push_back(name);
    }
  }
  if (error) return fail("read " + directory + ": " + error.message());
  return names;
}

std::uint64_t bytes_of(const std::string& directory) {
  std::uint64_t sum = 0;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    const bool counts = entry->is_regular_file(gone);
    const auto size = counts ? entry->file_size(gone) : 0;
    if (!gone) sum += size;
  }
  return sum;
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

bool has_database(const std::string& directory) {
  return exists(directory + "/" + kCurrentFile);
}

Result<void> mark_whole(const std::string& directory) {
  const std::string path = directory + "/" + kWholeFile;
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid() || ::fsync(file.get()) != 0) return fail(path + ": " + errno_text(errno));
  return sync_folder(directory);
}

bool is_whole(const std::string& directory) {
  return exists(directory + "/" + kWholeFile);
}

Result<void> make_folder(const std::string& directory) {
  std::error_code error;
  const bool made = fs::create_directories(directory, error);
  // Who talks to whom is for nobody else's eyes.
  if (made) fs::permissions(directory, fs::perms::owner_all, error);
  if (error) return fail("make " + directory + ": " + error.message());
  return {};
}

Result<void> remove_folder(const std::string& directory) {
  std::error_code error;
  fs::remove_all(directory, error);
  if (error) return fail("remove " + directory + ": " + error.message());
  return {};
}

Result<void> move_database(const std::string& from, const std::string& to, Current current) {
  auto names = database_files(from);
  if (!names) return fail(std::move(names).error());
  std::stable_sort(names->begin(), names->end(), [current](const auto& a, const auto& b) {
    const bool first = (a == kCurrentFile) != (b == kCurrentFile);
    return first && (current == Current::First ? a == kCurrentFile : b == kCurrentFile);
  });
  for (const std::string& name : *names) {
    // The others are on disk before the one that makes them a database.
    if (name == kCurrentFile && current == Current::Last) {
      if (auto synced = sync_folder(to); !synced) return synced;
    }
    const std::string source = fmt::format("{}/{}", from, name);
    if (::rename(source.c_str(), fmt::format("{}/{}", to, name).c_str()) != 0) {
      return fail("move " + source + ": " + errno_text(errno));
    }
  }
  if (auto synced = sync_folder(to); !synced) return synced;
  return sync_folder(from);
}

Result<void> swap_in(const std::string& directory) {
  const std::string fresh = directory + "/" + kUpgradingDir;
  const std::string before = directory + "/" + kBeforeDir;
  if (exists(fresh)) {
    if (auto made = make_folder(before); !made) return made;
    // Without the mark, what stands in the folder is the old store, or what is left of it there.
    if (!is_whole(before)) {
      if (auto moved = move_database(directory, before, Current::First); !moved) return moved;
      if (auto marked = mark_whole(before); !marked) return marked;
    }
    if (auto moved = move_database(fresh, directory, Current::Last); !moved) return moved;
    if (auto removed = remove_folder(fresh); !removed) return removed;
    if (auto synced = sync_folder(directory); !synced) return synced;
  }
  return remove_folder(before);
}

}  // namespace outflow::store
