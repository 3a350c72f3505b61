// The open RocksDB of a Store, with its errors as ours. Private to the store room.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include "aggregator/store/record.h"
#include "aggregator/store/store.h"
#include "common/mutex.h"

namespace outflow::store {

inline std::string_view view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

[[nodiscard]] inline Error database_error(const rocksdb::Status& status) {
  return Error{"store: " + status.ToString()};
}

[[nodiscard]] inline Error damaged(std::string_view key) {
  return Error{"store: the value of " + describe_key(key) + " cannot be read"};
}

[[nodiscard]] inline Error damaged(const History& of_key) {
  return damaged(flow_key(of_key));
}

// How every database of ours is opened.
[[nodiscard]] rocksdb::Options database_options();

// An iterator over keys from `first` up to but not `end`.
class Range {
 public:
  Range(rocksdb::DB& db, const std::string& first, std::string end);
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;

  [[nodiscard]] bool valid() const { return iterator_->Valid(); }
  void next() { iterator_->Next(); }
  void seek(const std::string& key) { iterator_->Seek(key); }
  [[nodiscard]] std::string_view key() const { return view(iterator_->key()); }
  [[nodiscard]] std::string_view value() const { return view(iterator_->value()); }
  // After the loop: did it end because there was no more?
  [[nodiscard]] Result<void> finish() const;

 private:
  std::string end_;
  rocksdb::Slice bound_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

struct Store::Database {
  std::unique_ptr<rocksdb::DB> db;
  nanoseconds retention{};
  // Held by whoever reads and then writes what depends on it: two batches of one node, a log line
  // and its digest, a record and its new place.
  Mutex writing;
  // Days since the epoch; scan() shows nothing older, even before it is deleted.
  std::atomic<std::int64_t> first_kept{std::numeric_limits<std::int32_t>::min()};

  std::atomic<std::int64_t> first_kept_name{std::numeric_limits<std::int32_t>::min()};

  [[nodiscard]] Result<std::optional<std::string>> get(const std::string& key) const;
  // On return the write is on disk.
  [[nodiscard]] Result<void> write(rocksdb::WriteBatch& batch);
  [[nodiscard]] std::uint64_t bytes_of_table(Table table) const;  // about; 0: nobody can tell
  [[nodiscard]] Day first_kept_day() const { return Day(std::chrono::days(first_kept.load())); }

  // Deletes the names of days before; part of `batch`.
  [[nodiscard]] Result<void> expire_names(Day first, rocksdb::WriteBatch& batch);

  // The records of a scan, of which only the key was read. The callback returns false to stop.
  using VisitKey = std::function<Result<bool>(History&, std::string_view value)>;
  [[nodiscard]] Result<void> walk(const std::optional<std::string>& namespace_name, Day from,
                                  Day to, const VisitKey& visit) const;

  // Keys of the day's records that `judge` changes.
  [[nodiscard]] Result<std::vector<std::string>> judged_otherwise(Day day,
                                                                  const Judge& judge) const;
  // Moves those of these records that `judge` changes, in one write; gives how many.
  [[nodiscard]] Result<std::uint64_t> move(std::span<const std::string> keys, const Judge& judge);
};

}  // namespace outflow::store
