// The bytes of a backup, whoever carries them:
//
//   "outflow-backup/1\n", then frames: type (1 byte), number (4, from 0), size of the payload (4),
//   payload, CRC-32 of all of the frame before it (4). Numbers are big-endian.
//   H  format of the store, version of the program (texts), Unix ns of the moment (8)
//   R  records: key, value, key, value ... (texts); keys ascend over the whole stream
//   E  count of the records (8); nothing follows
//
// A text is its length as a varint, then its bytes. The checksums find damage, not forgery: who can
// write to the file can make another one. Values are copied as they are, so whatever tables a store
// has are in its backup.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/result.h"

namespace outflow::store {

inline constexpr std::string_view kBackupMagic = "outflow-backup/1\n";
// A frame is handed on when it has this much; one record more may be in it.
inline constexpr std::size_t kBackupFrameBytes = 256U << 10U;
// No record of a store is near it; what claims more is no backup.
inline constexpr std::size_t kBackupFrameBytesMax = 64U << 20U;

struct BackupHead {
  std::string format;   // of the store: kFormat of its program
  std::string program;  // version
  TimePoint taken{};
};

// Takes the next bytes; false when nobody wants more.
using TakeBackup = std::function<bool(std::string_view)>;

class BackupWriter {
 public:
  explicit BackupWriter(TakeBackup take) : take_(std::move(take)) {}

  // In this order: begin, add for each record, end. False: `take` wanted no more.
  [[nodiscard]] bool begin(const BackupHead& head);
  [[nodiscard]] bool add(std::string_view key, std::string_view value);
  [[nodiscard]] bool end();

 private:
  [[nodiscard]] bool send(char type, std::string_view payload);
  [[nodiscard]] bool send_records();

  const TakeBackup take_;
  std::string records_;
  std::uint32_t frames_ = 0;
  std::uint64_t count_ = 0;
};

// Never trusts the stream: an Error says what is wrong and behind which byte.
class BackupReader {
 public:
  explicit BackupReader(std::istream& in) : in_(in) {}

  [[nodiscard]] Result<BackupHead> head();  // first
  // False: the end; everything before it was whole. The views hold until the next call.
  [[nodiscard]] Result<bool> next(std::string_view& key, std::string_view& value);
  [[nodiscard]] std::uint64_t records() const { return count_; }

 private:
  [[nodiscard]] Result<char> read_frame();
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] tl::unexpected<Error> damaged(std::string_view why) const;

  std::istream& in_;
  std::string payload_;
  std::string_view rest_;
  std::string last_key_;
  std::uint64_t position_ = 0;  // bytes read in whole frames
  std::uint32_t frames_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace outflow::store
