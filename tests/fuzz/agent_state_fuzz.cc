// Whatever a state file holds, it is a state or an Error. Inputs get a right checksum, or nothing
// behind it would ever be reached.
#include <zlib.h>

#include <string>

#include <google/protobuf/stubs/logging.h>

#include "agent/state.h"

namespace {
// A line per odd string is no news here.
[[maybe_unused]] auto* const kQuiet = google::protobuf::SetLogHandler(nullptr);
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string given(reinterpret_cast<const char*>(data), size);
  static_cast<void>(outflow::agent::decode(given));
  const auto sum = static_cast<std::uint32_t>(crc32_z(0, data, size));
  std::string summed = "outflow1";
  summed.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  summed += given;
  const auto state = outflow::agent::decode(summed);
  if (state) static_cast<void>(outflow::agent::encode(*state));
  return 0;
}
