// Whatever records stand in the ring, joining their parts ends and stays within its bounds; and
// what comes out whole has the bytes it was said to have. The input: records, each behind its
// length in one byte; one whose reserved field is 1 tells the time.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "agent/said_stream.h"

namespace {

constexpr std::size_t kStreamsMax = 4;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  outflow::agent::SaidStreams streams(
      {.streams = kStreamsMax, .patience_jiffies = 100}, [](const auto& whole) {
        if (whole.bytes.size() != whole.record.wanted || whole.bytes.empty()) __builtin_trap();
      });
  while (size > 1) {
    const std::size_t length = std::min<std::size_t>(data[0], size - 1);
    // A copy on the heap: its end is guarded.
    const std::vector<std::uint8_t> record(data + 1, data + 1 + length);
    streams.take(record.data(), record.size());
    if (streams.streams() > kStreamsMax) __builtin_trap();
    said_record head{};
    std::memcpy(&head, record.data(), std::min(record.size(), sizeof head));
    if (head.reserved == 1) streams.age(head.jiffies);
    data += 1 + length;
    size -= 1 + length;
  }
  return 0;
}
