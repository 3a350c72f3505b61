// Whatever bytes an inet_diag socket gives, reading them ends, touches nothing beyond them, and no
// more conversations come out than sockets were in.
#include <linux/inet_diag.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "agent/sockets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy on the heap: aligned as the socket's buffer is, and its end is guarded.
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  std::vector<outflow::agent::Socket> sockets;
  const auto step = outflow::agent::read_sockets(
      bytes, [&](const outflow::agent::Socket& socket) { sockets.push_back(socket); });
  if (step && step->error < 0) __builtin_trap();
  if (sockets.size() * sizeof(inet_diag_msg) > size) __builtin_trap();
  if (outflow::agent::conversations_of(sockets).size() > sockets.size()) __builtin_trap();
  return 0;
}
