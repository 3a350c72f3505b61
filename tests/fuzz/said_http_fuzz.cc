// Whatever a connection begins with, reading it as a request's head ends, touches nothing beyond
// it, and a name that comes out is one in our text form, and stands in it.
#include <cstdint>
#include <vector>

#include "agent/said_http.h"
#include "common/names.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy on the heap: its end is guarded.
  const std::vector<std::uint8_t> bytes(data, data + size);
  const auto host = outflow::agent::read_request_host(bytes);
  if (!host && host.error().what.empty()) __builtin_trap();
  if (!host || host->empty()) return 0;
  if (!outflow::is_dns_name_text(*host) || host->size() > size) __builtin_trap();
  return 0;
}
