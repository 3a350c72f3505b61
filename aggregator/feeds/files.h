// Whether files are others than when they were looked at last: by time of change, size and inode of
// what the names lead to, so that a ConfigMap's volume, which swaps a link above them, is noticed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregator/feeds/load.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow::feeds {

struct FilesRead {
  std::vector<SourceText> texts;
  TimePoint changed{};  // the latest of their times of change
};

class Files {
 public:
  // Whether it is worth reading them: they changed since the last call, or did so right before it
  // (some file systems keep whole seconds). What is not there or no regular file always is.
  [[nodiscard]] bool may_have_changed(const std::vector<std::string>& paths, TimePoint now);
  // All of them, at most kFeedBytesMax together; the Error names the file.
  [[nodiscard]] static Result<FilesRead> read(const std::vector<std::string>& paths);

 private:
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = -1;  // -1: there is no such file
    TimePoint changed{};
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static Stamp stamp_of(const std::string& path);

  std::vector<Stamp> stamps_;
  bool settled_ = false;
};

}  // namespace outflow::feeds
