// The inventory from a file that somebody else writes (`kubectl get ... -o json > FILE`). Read
// again when its time, size or inode changes; a file that is missing, half-written or wrong leaves
// the last good inventory in place, marked stale with the reason. One thread polls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "aggregator/inventory/current.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow::inventory {

class FileFeed {
 public:
  FileFeed(std::string path, const Clock& clock) : path_(std::move(path)), clock_(clock) {}

  // True when a new snapshot was set (its as_of is the file's time of change), false when nothing
  // changed. The error, repeated until it is mended, is also in `current`.
  [[nodiscard]] Result<bool> poll(Current& current);

 private:
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    TimePoint changed{};
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Read {
    Stamp stamp;
    std::size_t hash = 0;
    bool settled = false;  // old enough when read that a later write must show in the stamp
    std::string error;     // "" when it became the snapshot
  };
  // A new snapshot, or null when nothing changed.
  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> read();
  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> unchanged() const;

  std::string path_;
  const Clock& clock_;
  std::optional<Read> last_;
};

}  // namespace outflow::inventory
