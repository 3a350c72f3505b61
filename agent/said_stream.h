// Records of the `said` ring -> the whole of what a connection began with. Parts of a hello that
// was split are joined. For any bytes, within fixed bounds. For one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "bpf/flow.h"

namespace outflow::agent {

class SaidStreams {
 public:
  struct Bounds {
    std::size_t streams = 1'024;  // unfinished, of SAID_BYTES_MAX at most: 8 MiB
    // So long the rest is waited for, a lost segment's retransmissions included: 10 s at 250 Hz.
    std::uint32_t patience_jiffies = 2'500;
  };
  struct Whole {
    const said_record& record;  // of its first part
    std::span<const std::uint8_t> bytes;
  };
  using Sink = std::function<void(const Whole&)>;

  explicit SaidStreams(const Bounds& bounds, Sink sink) : bounds_(bounds), sink_(std::move(sink)) {}

  // One record of the ring, `size` bytes with the part behind the head. False: it lies about itself
  // and was not used.
  bool take(const void* record, std::size_t size);
  // Ends what has been waited for too long.
  void age(std::uint32_t now_jiffies);

  // Beginnings whose rest is missing, and parts without a beginning.
  [[nodiscard]] std::uint64_t gaps() const { return gaps_; }
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }

 private:
  struct Key {
    std::uint32_t interface_id = 0;
    std::uint32_t begin = 0;
    std::uint32_t ports = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Stream {
    said_record first{};
    std::vector<std::uint8_t> bytes;
  };
  using Part = std::span<const std::uint8_t>;
  void begin(const said_record& record, Part part);
  void go_on(const said_record& record, Part part);
  void drop_longest(std::uint32_t now_jiffies);

  Bounds bounds_;
  Sink sink_;
  // The sequence is as good as random, so addresses need not be in the key.
  std::map<Key, Stream> streams_;
  std::uint64_t gaps_ = 0;
};

}  // namespace outflow::agent
