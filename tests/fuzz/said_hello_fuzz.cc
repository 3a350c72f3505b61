// Whatever a connection begins with, reading it as a ClientHello ends, touches nothing beyond it,
// and a name that comes out is one in our text form.
#include <cstdint>
#include <vector>

#include "agent/said_hello.h"
#include "common/names.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto reader = outflow::agent::HelloReader::open();
  if (!reader) __builtin_trap();
  // A copy on the heap: its end is guarded.
  const std::vector<std::uint8_t> bytes(data, data + size);
  const auto hello = reader->read(bytes);
  if (!hello && hello.error().what.empty()) __builtin_trap();
  if (hello && !hello->name.empty() && !outflow::is_dns_name_text(hello->name)) __builtin_trap();
  return 0;
}
