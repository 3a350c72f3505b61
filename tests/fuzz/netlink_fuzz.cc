// Whatever bytes a netlink socket gives, reading them ends and touches nothing beyond them.
#include <cstring>
#include <vector>

#include "agent/filter_dump.h"
#include "agent/netlink.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy on the heap: aligned as the socket's buffer is, and its end is guarded.
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  std::size_t names = 0;
  const auto progress =
      outflow::agent::read_messages(bytes, [&](const outflow::agent::NetlinkEvent& event) {
        if (const auto* link = std::get_if<outflow::agent::Link>(&event)) {
          names += link->name.size();
        }
      });
  static_cast<void>(progress);
  std::vector<outflow::agent::FilterFacts> filters;
  static_cast<void>(outflow::agent::read_filters(bytes, filters));
  return names > size ? 1 : 0;
}
