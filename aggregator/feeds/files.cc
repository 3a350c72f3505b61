#include "aggregator/feeds/files.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "aggregator/feeds/fetch.h"
#include "common/file.h"

namespace outflow::feeds {
namespace {

constexpr nanoseconds kSettleTime = std::chrono::seconds(2);

}  // namespace

Files::Stamp Files::stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return {
      status.st_dev, status.st_ino, status.st_size,
      TimePoint(std::chrono::seconds(status.st_mtim.tv_sec) + nanoseconds(status.st_mtim.tv_nsec))};
}

bool Files::may_have_changed(const std::vector<std::string>& paths, TimePoint now) {
  std::vector<Stamp> stamps;
  bool settled = true;
  for (const std::string& path : paths) {
    stamps.push_back(stamp_of(path));
    settled = settled && stamps.back().size >= 0 && now - stamps.back().changed >= kSettleTime;
  }
  const bool same = settled_ && stamps == stamps_;
  stamps_ = std::move(stamps);
  settled_ = settled;
  return !same;
}

Result<FilesRead> Files::read(const std::vector<std::string>& paths) {
  FilesRead read;
  std::size_t room = kFeedBytesMax;
  for (const std::string& path : paths) {
    struct stat status {};
    // Before it is opened: a pipe would wait for its writer.
    if (::stat(path.c_str(), &status) != 0) return fail(path + ": " + errno_text(errno));
    if (!S_ISREG(status.st_mode)) return fail(path + ": is no regular file");
    auto text = read_file(path, room);
    if (!text) return fail(std::move(text).error());
    room -= text->size();
    read.changed = std::max(read.changed, stamp_of(path).changed);
    read.texts.push_back({path, *std::move(text)});
  }
  return read;
}

}  // namespace outflow::feeds
