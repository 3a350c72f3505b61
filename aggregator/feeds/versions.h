// The versions of a feed on disk: a text file each, whole or absent, that names its own digest, so
// that a damaged one is noticed and left out. Only one process writes.
//
//   outflow-feed 1
//   accepted <ns since the epoch>
//   digest <SHA-256 of what was read>
//   source <files or URLs>
//   class <to|from> <shared 0|1> <catch-all 0|1> <service> <region>     (separated by tabs)
//   range <prefix> <number of its class, from 0>
//   end <SHA-256 of all lines above>
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aggregator/feeds/table.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow::feeds {

// At most this many of a feed: memory and disk stay bounded (Azure: 10 x 4 MiB of memory).
inline constexpr std::size_t kVersionsMax = 10;

// 64 hex digits in lower case.
[[nodiscard]] std::string sha256_of(std::string_view bytes);

[[nodiscard]] std::string encode_version(const FeedVersion& version);
// Any bytes: an Error names what is wrong. The ranges are `feed`'s.
[[nodiscard]] Result<FeedVersion> decode_version(std::string_view text, const std::string& feed);

// Which version to forget, where there are more than kVersionsMax or the second one was accepted at
// or before `oldest` (nobody asks of that time any more: the first goes). Else the one whose going
// is felt least: the time its predecessor then stands for, compared with its age; so days stand
// close together lately and far apart long ago. Never the newest. `accepted` ascends; gives
// accepted.size() when all may stay. Pure.
[[nodiscard]] std::size_t version_to_forget(const std::vector<TimePoint>& accepted,
                                            TimePoint oldest, TimePoint now);

class VersionFolder {
 public:
  // `folder` is made when it is needed.
  VersionFolder(std::string folder, std::string feed)
      : folder_(std::move(folder)), feed_(std::move(feed)) {}

  struct Read {
    std::vector<FeedVersion> versions;  // by time
    std::vector<std::string> damaged;   // why a file was left out
  };
  // Nothing when there is no such folder.
  [[nodiscard]] Read read() const;
  [[nodiscard]] Result<void> write(const FeedVersion& version) const;
  [[nodiscard]] Result<void> remove(TimePoint accepted) const;

 private:
  [[nodiscard]] std::string file_of(TimePoint accepted) const;

  std::string folder_;
  std::string feed_;
};

}  // namespace outflow::feeds
