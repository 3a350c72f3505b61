// Records of the `dns` ring -> whole DNS messages. Parts of a payload are joined; TCP payloads are
// put into the order of their stream and cut at its length prefixes (RFC 1035 4.2.2). For any
// bytes, within fixed bounds. For one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

#include "bpf/flow.h"

namespace outflow::agent {

class DnsStreams {
 public:
  struct Bounds {
    std::size_t streams = 4'096;            // the longest silent one goes for another
    std::size_t bytes = 4U << 20U;          // of unfinished messages; likewise
    std::uint32_t silence_jiffies = 7'500;  // after which a stream is over: 30 s at 250 Hz
    // So long a missing segment is waited for: the sender's timer is 200 ms at least, 1 s at first.
    std::uint32_t patience_jiffies = 250;
  };
  struct Message {
    const dns_record& record;  // of the part that completed it
    std::span<const std::uint8_t> bytes;
    bool cut = false;  // the beginning of a message whose rest is missing
  };
  using Sink = std::function<void(const Message&)>;

  explicit DnsStreams(const Bounds& bounds, Sink sink);

  // One record of the ring, `size` bytes with the payload's part behind the head. False: it lies
  // about itself and was not used.
  bool take(const void* record, std::size_t size);
  // Ends what has been silent for too long, and waits no more for what will not come.
  void age(std::uint32_t now_jiffies);

  // Parts of streams that are missing, and segments of which nobody knows where a message begins.
  // From the next segment that begins with one, a stream is read again.
  [[nodiscard]] std::uint64_t gaps() const { return gaps_; }
  [[nodiscard]] std::size_t streams() const { return order_.size(); }
  [[nodiscard]] std::size_t bytes() const { return held_.bytes; }

 private:
  struct Key {
    std::array<std::uint64_t, 5> words{};  // resolver, client, interface, port, protocol
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Piece {
    std::uint32_t sequence = 0;
    std::vector<std::uint8_t> bytes;
  };
  struct Stream {
    Key key;
    dns_record last{};                // the head of its latest record
    std::uint32_t next = 0;           // TCP: sequence of the byte that goes on
    std::vector<std::uint8_t> bytes;  // of the message that is not complete
    std::vector<Piece> ahead;         // TCP: what came before what it follows, by sequence
    std::uint32_t waits_since = 0;    // jiffies; with something ahead
  };
  using Order = std::list<Stream>;
  using Part = std::span<const std::uint8_t>;

  struct Held {
    std::size_t bytes = 0;
    std::size_t pieces = 0;
    void add(const Stream& stream);
    void subtract(const Stream& stream);
  };

  [[nodiscard]] static Key key_of(const dns_record& record);
  Order::iterator stream_of(const dns_record& record);
  void take_datagram(Stream& stream, const dns_record& record, Part part);
  void take_segment(Stream& stream, const dns_record& record, Part part);
  void place(Stream& stream, std::uint32_t sequence, Part part);
  void hold(Stream& stream, std::uint32_t sequence, Part part);
  void skip_to_held(Stream& stream);
  void take_held(Stream& stream);
  void go_on(Stream& stream, Part part);
  void cut_messages(Stream& stream);
  void hand_on_cut(Stream& stream);
  void leave_off(Stream& stream);
  void end(Order::iterator stream);

  const Bounds bounds_;
  const Sink sink_;
  Order order_;  // the longest silent first
  std::unordered_map<Key, Order::iterator, KeyHash> streams_;
  Held held_;  // by all
  std::uint64_t gaps_ = 0;
};

}  // namespace outflow::agent
