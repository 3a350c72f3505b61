#include "aggregator/store/maintenance.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include "aggregator/store/database.h"
#include "aggregator/store/record_v1.h"
#include "aggregator/store/swap.h"

namespace outflow::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBatchBytes = 1U << 20U;

// A database being written, of which nothing counts before finish().
class Builder {
 public:
  [[nodiscard]] static Result<Builder> open(const std::string& directory) {
    if (auto removed = remove_folder(directory); !removed) return fail(std::move(removed).error());
    if (auto made = make_folder(directory); !made) return fail(std::move(made).error());
    rocksdb::DB* opened = nullptr;
    const auto status = rocksdb::DB::Open(database_options(), directory, &opened);
    if (!status.ok()) return fail(database_error(status));
    return Builder(std::unique_ptr<rocksdb::DB>(opened));
  }

  [[nodiscard]] Result<void> put(std::string_view key, std::string_view value) {
    const auto put = batch_.Put({key.data(), key.size()}, {value.data(), value.size()});
    if (!put.ok()) return fail(database_error(put));
    return batch_.GetDataSize() < kBatchBytes ? Result<void>() : write();
  }

  // On return everything is on disk.
  [[nodiscard]] Result<void> finish() {
    if (auto written = write(); !written) return written;
    rocksdb::FlushOptions waiting;
    waiting.wait = true;
    if (const auto status = database_->Flush(waiting); !status.ok()) {
      return fail(database_error(status));
    }
    if (const auto status = database_->Close(); !status.ok()) return fail(database_error(status));
    database_.reset();
    return {};
  }

 private:
  explicit Builder(std::unique_ptr<rocksdb::DB> database) : database_(std::move(database)) {}

  Result<void> write() {
    rocksdb::WriteOptions options;
    options.disableWAL = true;  // a build that is cut short begins anew
    const auto status = database_->Write(options, &batch_);
    batch_.Clear();
    if (!status.ok()) return fail(database_error(status));
    return {};
  }

  std::unique_ptr<rocksdb::DB> database_;
  rocksdb::WriteBatch batch_;
};

// RocksDB's own lock: an aggregator that runs has it.
class Lock {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Lock>> take(const std::string& directory) {
    auto lock = std::unique_ptr<Lock>(new Lock);
    const auto status = rocksdb::Env::Default()->LockFile(directory + "/LOCK", &lock->lock_);
    if (!status.ok()) {
      return fail(directory + ": another process has it open (" + status.ToString() + ")");
    }
    return lock;
  }
  ~Lock() {
    if (lock_ != nullptr) rocksdb::Env::Default()->UnlockFile(lock_).PermitUncheckedError();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Lock() = default;
  rocksdb::FileLock* lock_ = nullptr;
};

Result<Restored> read_backup(
    const std::string& file,
    const std::function<Result<void>(std::string_view key, std::string_view value)>& take) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(file + ": cannot be opened");
  BackupReader reader(in);
  auto head = reader.head();
  if (!head) return fail(std::move(head).error().within(file));
  if (head->format != kFormat && head->format != kFormatNameless) {
    return fail(
        fmt::format("{}: a backup of the format '{}', this program restores '{}': restore it "
                    "with outflow-aggregator {}, then upgrade",
                    file, head->format, kFormat, head->program));
  }
  std::string_view key;
  std::string_view value;
  for (;;) {
    const auto more = reader.next(key, value);
    if (!more) return fail(Error(more.error()).within(file));
    if (!*more) break;
    if (auto taken = take(key, value); !taken) return fail(std::move(taken).error());
  }
  if (reader.records() == 0) return fail(file + ": the backup holds nothing");
  return Restored{*head, reader.records()};
}

// Names a restore that was cut short may have left in the folder.
bool is_of_a_database(const std::string& name) {
  const auto starts = [&](const char* text) { return name.starts_with(text); };
  return name.ends_with(".sst") || name.ends_with(".log") || starts("MANIFEST-") ||
         starts("OPTIONS-") || starts("LOG") || name == "IDENTITY" || name == "LOCK";
}

Result<void> empty_folder(const std::string& directory) {
  const bool again = exists(directory + "/" + kRestoringDir) && !has_database(directory);
  std::vector<fs::path> leftovers;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name == "lost+found") continue;
    if (!again || (name != kRestoringDir && !is_of_a_database(name))) {
      return fail(
          fmt::format("{} is not empty ('{}'): a backup is restored into an empty folder only",
                      directory, name));
    }
    leftovers.push_back(entry->path());
  }
  for (const auto& path : leftovers) {
    if (!error) fs::remove_all(path, error);
  }
  if (error) return fail(directory + ": " + error.message());
  return {};
}

Result<void> check_room(const std::string& directory) {
  std::error_code error;
  const auto space = fs::space(directory, error);
  const std::uint64_t wanted = bytes_of(directory);
  if (error || space.available >= wanted) return {};
  return fail(fmt::format("{}: {} bytes are free, an upgrade takes as many as the store: {}",
                          directory, space.available, wanted));
}

Result<void> convert(rocksdb::DB& old, Builder& fresh, std::uint64_t& records) {
  const std::unique_ptr<rocksdb::Iterator> row(old.NewIterator({}));
  const std::string flows = table_key(Table::Flows);
  for (row->SeekToFirst(); row->Valid(); row->Next()) {
    const std::string_view key = view(row->key());
    Result<void> put;
    if (key == format_key()) {
      put = fresh.put(key, kFormat);
    } else if (key.starts_with(flows)) {
      History history;
      if (!read_flow_v1(key, view(row->value()), history)) return fail(damaged(key));
      put = fresh.put(flow_key(history), flow_value(history));
      ++records;
    } else {
      put = fresh.put(key, view(row->value()));
      ++records;
    }
    if (!put) return put;
  }
  if (!row->status().ok()) return fail(database_error(row->status()));
  return {};
}

// Gives the records converted, or nothing when the store is of today's format.
Result<std::optional<std::uint64_t>> build_upgraded(const std::string& directory) {
  rocksdb::Options reading = database_options();
  reading.create_if_missing = false;
  reading.merge_operator = make_merge_operator_v1();
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::OpenForReadOnly(reading, directory, &opened);
  if (!status.ok()) return fail(database_error(status));
  const std::unique_ptr<rocksdb::DB> old(opened);
  std::string format;
  const auto read = old->Get({}, format_key(), &format);
  if (!read.ok()) return fail("the database in " + directory + " is not Outflow's");
  if (format == kFormat || format == kFormatNameless) return std::optional<std::uint64_t>();
  if (format != kFormatV1) {
    return fail(fmt::format("{} has format '{}'; this program upgrades '{}' to '{}'", directory,
                            format, kFormatV1, kFormat));
  }
  if (auto room = check_room(directory); !room) return fail(std::move(room).error());
  const std::string beside = directory + "/" + kUpgradingDir;
  auto fresh = Builder::open(beside);
  if (!fresh) return fail(std::move(fresh).error());
  std::uint64_t records = 0;
  if (auto done = convert(*old, *fresh, records); !done) return fail(std::move(done).error());
  if (auto done = fresh->finish(); !done) return fail(std::move(done).error());
  if (auto marked = mark_whole(beside); !marked) return fail(std::move(marked).error());
  return std::optional<std::uint64_t>(records);
}

}  // namespace

Result<Restored> restore(const std::string& file, const std::string& directory) {
  const auto checked = read_backup(file, [](auto, auto) { return Result<void>(); });
  if (!checked) return fail(Error(checked.error()));
  if (auto made = make_folder(directory); !made) return fail(std::move(made).error());
  if (auto empty = empty_folder(directory); !empty) return fail(std::move(empty).error());
  const std::string beside = directory + "/" + kRestoringDir;
  auto fresh = Builder::open(beside);
  if (!fresh) return fail(std::move(fresh).error());
  auto restored = read_backup(
      file, [&](std::string_view key, std::string_view value) { return fresh->put(key, value); });
  if (!restored) return fail(Error(restored.error()));
  if (auto done = fresh->finish(); !done) return fail(std::move(done).error());
  if (auto moved = move_database(beside, directory, Current::Last); !moved) {
    return fail(std::move(moved).error());
  }
  if (auto removed = remove_folder(beside); !removed) return fail(std::move(removed).error());
  return restored;
}

Result<Upgraded> upgrade(const std::string& directory) {
  const std::string fresh = directory + "/" + kUpgradingDir;
  const bool begun = is_whole(fresh) || exists(directory + "/" + kBeforeDir);
  if (!begun && !has_database(directory)) return fail("there is no store in " + directory);
  if (exists(directory + "/" + kRestoringDir)) return fail(refuse_half_done(directory).error());
  auto lock = Lock::take(directory);
  if (!lock) return fail(std::move(lock).error());
  Upgraded upgraded{std::string(kFormatV1), 0};
  if (!begun) {
    const auto records = build_upgraded(directory);
    if (!records) return fail(Error(records.error()));
    if (!*records) return Upgraded{std::string(kFormat), 0};
    upgraded.records = **records;
  }
  if (auto swapped = swap_in(directory); !swapped) return fail(std::move(swapped).error());
  return upgraded;
}

Result<void> refuse_half_done(const std::string& directory) {
  const std::string restoring = directory + "/" + kRestoringDir;
  // Its last file is in its place: only the empty folder was left.
  if (exists(restoring) && has_database(directory)) return remove_folder(restoring);
  if (exists(restoring)) {
    return fail("a restore into " + directory +
                " did not end: run `outflow-aggregator restore FILE --data-dir " + directory + "`");
  }
  if (exists(directory + "/" + kBeforeDir) || is_whole(directory + "/" + kUpgradingDir)) {
    return fail("an upgrade of " + directory +
                " did not end: run `outflow-aggregator upgrade --data-dir " + directory + "`");
  }
  return {};
}

Result<std::uint64_t> Store::backup(TimePoint taken,
                                    const std::function<bool(std::string_view)>& take) const {
  const Error unwanted{"the backup was not taken to its end"};
  rocksdb::DB& db = *database_->db;
  const auto release = [&db](const rocksdb::Snapshot* held) { db.ReleaseSnapshot(held); };
  const std::unique_ptr<const rocksdb::Snapshot, decltype(release)> moment(db.GetSnapshot(),
                                                                           release);
  rocksdb::ReadOptions options;
  options.snapshot = moment.get();
  options.fill_cache = false;  // read once: it must not drive out what questions read
  BackupWriter writer(take);
  if (!writer.begin({std::string(kFormat), OUTFLOW_VERSION, taken})) return fail(unwanted);
  const std::unique_ptr<rocksdb::Iterator> row(db.NewIterator(options));
  std::uint64_t records = 0;
  for (row->SeekToFirst(); row->Valid(); row->Next(), ++records) {
    if (!writer.add(view(row->key()), view(row->value()))) return fail(unwanted);
  }
  if (!row->status().ok()) return fail(database_error(row->status()));
  if (!writer.end()) return fail(unwanted);
  return records;
}

}  // namespace outflow::store
