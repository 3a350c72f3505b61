// Keeps history in RocksDB: raw tuple x day x peer, how well each node was watched, and the
// high-water mark of every agent, all of one batch in one synced write.
//
// Any thread may call anything. Keys lead with the source namespace, so that questions about one
// namespace read one range. The format is versioned: a store of another version is refused at open,
// before anything in it is changed.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aggregator/inventory/model.h"
#include "aggregator/store/history.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow::store {

// No agent speaks of a longer time at once; without a bound, one bad interval would write a record
// for every day since 1970. What is before is not counted as covered.
inline constexpr std::chrono::days kIntervalDaysMax{400};

// What one batch adds.
struct Addition {
  NodeMark mark;  // (node, boot, sequence) and where its interval ended
  Interval interval;
  std::vector<Counter> losses;
  std::vector<Counter> skipped;
  std::vector<Presence> presences;  // one per (namespace, node, day) the interval touches
  std::vector<History> histories;
  std::vector<NameRecord> names;
};

enum class Merge { Merged, Repeated };

// What the store takes and what is left for it; zeros for what the disk does not tell.
struct StoreState {
  std::string format;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;  // flow records, as records_estimate()
  std::uint64_t disk_free = 0;
  std::uint64_t disk_total = 0;
};

class Store {
 public:
  // Creates the directory when it is missing. `retention` is what expire() keeps; once it ran,
  // nothing older is given, even if it is written again.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::string& directory,
                                                           nanoseconds retention);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Repeated when (node, boot) already stands at this sequence or beyond: nothing is added. A jump
  // of the sequence is counted as the loss "sequence_gap", in batches, on the day the interval
  // starts. An interval over midnight is covered time on both days, its losses stand on both (they
  // may have hit either), what it skipped on the last. On return the write is on disk.
  [[nodiscard]] Result<Merge> add(const Addition& addition);

  // Log evidence, each with the digest of its line: a digest already kept on that day adds nothing,
  // nor does a line of a day that has expired. Gives how many were new. On return the write, one
  // for all lines, is on disk.
  struct LogLine {
    std::array<std::uint8_t, 16> digest{};
    History history;
  };
  [[nodiscard]] Result<std::uint64_t> add_log(std::span<const LogLine> lines);

  // Every record of the namespace ("" = sources nobody knew; nullopt = all), on days from..to
  // inclusive, in key order. The callback returns false to stop.
  // The record is lent, and may be changed: nobody else sees it.
  using Visit = std::function<bool(History&)>;
  [[nodiscard]] Result<void> scan(const std::optional<std::string>& namespace_name, Day from,
                                  Day to, const Visit& visit) const;

  // Every name record of the namespace ("" = pods nobody knew; nullopt = all), on days from..to
  // inclusive, ordered by namespace, day, name, address. The callback returns false to stop.
  using VisitName = std::function<bool(const NameRecord&)>;
  [[nodiscard]] Result<void> scan_names(const std::optional<std::string>& namespace_name, Day from,
                                        Day to, const VisitName& visit) const;

  // Judges again: `judge` may change source and peer of a record it is shown and says whether it
  // did; it may be shown a record twice. Each changed record moves as a whole, in synced writes,
  // and joins the one that is there already. Shown are the records on days from..to whose source is
  // unknown or whose peer is a stranger to the cluster. Gives how many moved.
  using Judge = std::function<bool(History&)>;
  [[nodiscard]] Result<std::uint64_t> rejudge(Day from, Day to, const Judge& judge);

  // The source namespaces with a record on days from..to, sorted; "" = sources nobody knew.
  [[nodiscard]] Result<std::vector<std::string>> namespaces(Day from, Day to) const;
  [[nodiscard]] Result<std::vector<NodeDay>> node_days(Day from, Day to) const;
  [[nodiscard]] Result<std::vector<Presence>> presences(Day from, Day to) const;
  [[nodiscard]] Result<std::vector<NodeMark>> marks() const;  // the newest boot of every node
  // Exact up to 100,000.
  [[nodiscard]] std::uint64_t records_estimate() const;
  [[nodiscard]] StoreState state() const;
  [[nodiscard]] std::optional<Day> first_day() const;  // nullopt: nothing is kept

  // Who had which addresses when, of the live inventory: each life replaces what was kept of it.
  // `heard` is up to when all of it was told. On return it is on disk.
  [[nodiscard]] Result<void> put_held(std::span<const inventory::Held> held, TimePoint heard);
  // All of it; gives `heard`, epoch when nothing was ever put.
  using VisitHeld = std::function<void(inventory::Held)>;
  [[nodiscard]] Result<TimePoint> held(const VisitHeld& visit) const;
  // Deletes those who were gone before `time`. Gives how many.
  [[nodiscard]] Result<std::uint64_t> expire_held(TimePoint time);
  // Gives `take` the bytes of a backup of this moment (backup_stream.h), part by part, while the
  // store goes on. Until it returns, the disk keeps what is deleted or compacted meanwhile. Gives
  // how many records it holds. An Error, too, when `take` wants no more.
  [[nodiscard]] Result<std::uint64_t> backup(
      TimePoint taken, const std::function<bool(std::string_view)>& take) const;

  // Deletes whole days older than the retention, and of names those older than kNameDays
  // (name_record.h). Gives how many flow records went.
  [[nodiscard]] Result<std::uint64_t> expire(TimePoint now);

 private:
  struct Database;
  explicit Store(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace outflow::store
