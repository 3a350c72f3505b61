#include "aggregator/store/backup_stream.h"

#include <zlib.h>

#include <algorithm>

#include <fmt/format.h>

#include "aggregator/store/bytes.h"

namespace outflow::store {
namespace {

constexpr char kHead = 'H';
constexpr char kRecords = 'R';
constexpr char kEnd = 'E';
constexpr std::size_t kFrameHeadBytes = 9;
constexpr std::size_t kChecksumBytes = 4;
// Memory is taken as the bytes come, not as a length that may be damaged says.
constexpr std::size_t kReadBytes = 1U << 20U;

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// A text in front of `rest`, without a copy. False: there is none.
bool take_text(std::string_view& rest, std::string_view& text) {
  std::uint64_t size = 0;
  std::size_t used = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (used == rest.size() || shift > 56) return false;
    const auto byte = static_cast<std::uint8_t>(rest[used++]);
    size |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) break;
  }
  if (size > rest.size() - used) return false;
  text = rest.substr(used, size);
  rest.remove_prefix(used + size);
  return true;
}

// False: the stream ended before.
bool read_bytes(std::istream& in, std::size_t size, std::string& out) {
  while (size > 0) {
    const std::size_t part = std::min(size, kReadBytes);
    const std::size_t before = out.size();
    out.resize(before + part);
    in.read(out.data() + before, static_cast<std::streamsize>(part));
    if (static_cast<std::size_t>(in.gcount()) != part) return false;
    size -= part;
  }
  return true;
}

}  // namespace

bool BackupWriter::send(char type, std::string_view payload) {
  std::string frame;
  frame.reserve(kFrameHeadBytes + payload.size() + kChecksumBytes);
  Writer out(frame);
  out.byte(static_cast<std::uint8_t>(type));
  out.big_endian(frames_++, 4);
  out.big_endian(payload.size(), 4);
  out.bytes(payload);
  out.big_endian(checksum(frame), 4);
  return take_(frame);
}

bool BackupWriter::begin(const BackupHead& head) {
  std::string payload;
  Writer out(payload);
  out.text(head.format);
  out.text(head.program);
  out.big_endian(static_cast<std::uint64_t>(unix_ns(head.taken)), 8);
  return take_(kBackupMagic) && send(kHead, payload);
}

bool BackupWriter::send_records() {
  if (records_.empty()) return true;
  const bool taken = send(kRecords, records_);
  records_.clear();
  return taken;
}

bool BackupWriter::add(std::string_view key, std::string_view value) {
  Writer out(records_);
  out.text(key);
  out.text(value);
  ++count_;
  return records_.size() < kBackupFrameBytes || send_records();
}

bool BackupWriter::end() {
  std::string payload;
  Writer(payload).big_endian(count_, 8);
  return send_records() && send(kEnd, payload);
}

tl::unexpected<Error> BackupReader::damaged(std::string_view why) const {
  return fail(fmt::format("the backup is damaged behind byte {}: {}", position_, why));
}

Result<char> BackupReader::read_frame() {
  const auto cut = [this] {
    return fail(
        fmt::format("the backup is cut: it ends within the part behind byte {}", position_));
  };
  std::string frame;
  if (!read_bytes(in_, kFrameHeadBytes, frame)) return cut();
  Reader head(frame);
  const char type = static_cast<char>(head.byte());
  const auto number = head.big_endian(4);
  const auto size = static_cast<std::size_t>(head.big_endian(4));
  if (size > kBackupFrameBytesMax) return damaged("a part of impossible size");
  if (!read_bytes(in_, size + kChecksumBytes, frame)) return cut();
  const std::string_view checked = std::string_view(frame).substr(0, kFrameHeadBytes + size);
  Reader sum(std::string_view(frame).substr(checked.size()));
  if (sum.big_endian(4) != checksum(checked)) return damaged("the checksum does not match");
  if (number != frames_) return damaged(fmt::format("part {} where {} belongs", number, frames_));
  payload_ = std::string(checked.substr(kFrameHeadBytes));
  rest_ = payload_;
  position_ += frame.size();
  ++frames_;
  return type;
}

Result<BackupHead> BackupReader::head() {
  std::string magic;
  if (!read_bytes(in_, kBackupMagic.size(), magic) || magic != kBackupMagic) {
    return fail(
        "this is no backup of Outflow that this program can read: it does not start with '" +
        std::string(kBackupMagic.substr(0, kBackupMagic.size() - 1)) + "'");
  }
  position_ = magic.size();
  const auto type = read_frame();
  if (!type) return fail(Error(type.error()));
  BackupHead head;
  Reader in(payload_);
  head.format = in.text();
  head.program = in.text();
  head.taken = from_unix_ns(static_cast<std::int64_t>(in.big_endian(8)));
  if (*type != kHead || !in.done()) return damaged("it does not begin with its head");
  rest_ = {};
  return head;
}

Result<void> BackupReader::finish() {
  Reader in(payload_);
  const std::uint64_t promised = in.big_endian(8);
  if (!in.done()) return damaged("its end cannot be read");
  if (promised != count_) {
    return damaged(fmt::format("{} records where its end says {}", count_, promised));
  }
  if (in_.peek() != std::istream::traits_type::eof()) return damaged("bytes follow its end");
  return {};
}

Result<bool> BackupReader::next(std::string_view& key, std::string_view& value) {
  while (rest_.empty()) {
    const auto type = read_frame();
    if (!type) return fail(Error(type.error()));
    if (*type == kEnd) {
      if (auto whole = finish(); !whole) return fail(std::move(whole).error());
      return false;
    }
    if (*type != kRecords) return damaged("a part of unknown kind");
  }
  if (!take_text(rest_, key) || !take_text(rest_, value)) return damaged("a record is cut");
  if (count_ > 0 && key <= last_key_) return damaged("records are not in order");
  last_key_ = key;
  ++count_;
  return true;
}

}  // namespace outflow::store
