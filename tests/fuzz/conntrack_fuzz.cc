// Whatever bytes a ctnetlink socket gives, reading them ends, touches nothing beyond them, and no
// entry without ends of its own becomes a conversation.
#include <cstdint>
#include <cstring>
#include <vector>

#include "agent/conntrack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy on the heap: aligned as the socket's buffer is, and its end is guarded.
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  std::size_t conversations = 0;
  const auto step =
      outflow::agent::read_conntrack(bytes, [&](const outflow::agent::Conversation&) {  //
        ++conversations;
      });
  if (step && (step->error < 0 || (step->error != 0 && !step->done))) __builtin_trap();
  // Two times two IPv4 addresses are the least an entry holds.
  if (conversations * 16 > size) __builtin_trap();
  return 0;
}
