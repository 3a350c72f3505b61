// Any bytes as a backup, and any bytes behind a checksum that is right: refused with a reason, or
// read as records whose keys ascend.
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "aggregator/store/backup_stream.h"
#include "aggregator/store/bytes.h"

namespace {

using namespace outflow::store;

void read_all(const std::string& bytes) {
  std::istringstream in(bytes);
  BackupReader reader(in);
  if (!reader.head()) return;
  std::string last;
  std::string_view key;
  std::string_view value;
  for (std::uint64_t read = 0;; ++read) {
    const auto more = reader.next(key, value);
    if (!more && more.error().what.empty()) std::abort();
    if (!more || !*more) return;
    if (read > 0 && key <= last) std::abort();
    last = key;
  }
}

std::string frame(char type, std::uint32_t number, std::string_view payload) {
  std::string bytes(1, type);
  Writer out(bytes);
  out.big_endian(number, 4);
  out.big_endian(payload.size(), 4);
  out.bytes(payload);
  out.big_endian(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()), 4);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string any(reinterpret_cast<const char*>(data), size);
  read_all(any);
  std::string head;
  Writer out(head);
  out.text("format");
  out.text("program");
  out.big_endian(0, 8);
  const std::string begin = std::string(kBackupMagic) + frame('H', 0, head);
  read_all(begin + frame('R', 1, any));
  read_all(begin + frame('E', 1, any));
  read_all(std::string(kBackupMagic) + frame('H', 0, any));
  return 0;
}
