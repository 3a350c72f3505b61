#include "agent/dns_stream.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "agent/dns_message.h"

namespace outflow::agent {
namespace {

constexpr std::size_t kPrefix = 2;
// Beyond it, a segment is another connection's with the same ports: 1 MiB is more than any window
// of a resolver.
constexpr std::int32_t kWindow = 1 << 20;
// What may wait for a missing segment: more of it, and the segment will not come.
constexpr std::size_t kPiecesMax = 16;

std::int32_t distance(std::uint32_t from, std::uint32_t to) {
  return static_cast<std::int32_t>(to - from);
}

}  // namespace

std::size_t DnsStreams::KeyHash::operator()(const Key& key) const noexcept {
  std::uint64_t hash = 0;
  for (const std::uint64_t word : key.words) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;  // the golden ratio's
    hash ^= hash >> 29;
  }
  return static_cast<std::size_t>(hash);
}

DnsStreams::DnsStreams(const Bounds& bounds, Sink sink) : bounds_(bounds), sink_(std::move(sink)) {}

DnsStreams::Key DnsStreams::key_of(const dns_record& record) {
  Key key;
  std::memcpy(key.words.data(), record.resolver, sizeof record.resolver);
  std::memcpy(key.words.data() + 2, record.client, sizeof record.client);
  key.words[4] = std::uint64_t{record.interface_id} << 32 | std::uint64_t{record.client_port} << 8 |
                 record.protocol;
  return key;
}

void DnsStreams::Held::add(const Stream& stream) {
  bytes += stream.bytes.size();
  pieces += stream.ahead.size();
  for (const Piece& piece : stream.ahead) bytes += piece.bytes.size();
}

void DnsStreams::Held::subtract(const Stream& stream) {
  Held its;
  its.add(stream);
  bytes -= its.bytes;
  pieces -= its.pieces;
}

bool DnsStreams::take(const void* record, std::size_t size) {
  dns_record head{};
  if (size < sizeof head) return false;
  std::memcpy(&head, record, sizeof head);
  if (head.copied == 0 || head.copied > size - sizeof head || head.offset > head.length ||
      head.copied > head.length - head.offset) {
    return false;
  }
  const Part part(static_cast<const std::uint8_t*>(record) + sizeof head, head.copied);
  if (head.protocol == IPPROTO_UDP && part.size() == head.length) {
    sink_({head, part, head.cut != 0});  // almost every one
    return true;
  }
  if (head.protocol != IPPROTO_UDP && head.protocol != IPPROTO_TCP) return false;
  const auto stream = stream_of(head);
  held_.subtract(*stream);
  head.protocol == IPPROTO_UDP ? take_datagram(*stream, head, part)
                               : take_segment(*stream, head, part);
  held_.add(*stream);
  if (head.protocol == IPPROTO_UDP && stream->bytes.empty()) end(stream);
  while (order_.size() > 1 && (order_.size() > bounds_.streams || held_.bytes > bounds_.bytes)) {
    end(order_.begin());
  }
  return true;
}

void DnsStreams::age(std::uint32_t now_jiffies) {
  const auto longer_than = [now_jiffies](std::uint32_t since, std::uint32_t bound) {
    return distance(since, now_jiffies) > static_cast<std::int32_t>(bound);
  };
  while (!order_.empty() && longer_than(order_.front().last.jiffies, bounds_.silence_jiffies)) {
    end(order_.begin());
  }
  if (held_.pieces == 0) return;
  for (Stream& stream : order_) {
    if (stream.ahead.empty() || !longer_than(stream.waits_since, bounds_.patience_jiffies)) {
      continue;
    }
    held_.subtract(stream);
    while (!stream.ahead.empty()) skip_to_held(stream);
    held_.add(stream);
  }
}

// The record's, at the end of the order; a new one's `last` has the length 0.
DnsStreams::Order::iterator DnsStreams::stream_of(const dns_record& record) {
  const Key key = key_of(record);
  const auto [entry, added] = streams_.try_emplace(key, order_.end());
  if (added) {
    order_.emplace_back().key = key;
    entry->second = std::prev(order_.end());
  } else {
    order_.splice(order_.end(), order_, entry->second);
  }
  return entry->second;
}

// Parts come in their order, because one processor wrote them; where one is missing the ring was
// full, which the kernel has counted.
void DnsStreams::take_datagram(Stream& stream, const dns_record& record, Part part) {
  if (record.offset != stream.bytes.size() ||
      (!stream.bytes.empty() && record.length != stream.last.length)) {
    hand_on_cut(stream);
  }
  if (record.offset != stream.bytes.size()) {
    ++gaps_;
    return;
  }
  stream.last = record;
  stream.bytes.insert(stream.bytes.end(), part.begin(), part.end());
  if (stream.bytes.size() < record.length) return;
  sink_({record, stream.bytes, record.cut != 0});
  stream.bytes.clear();
}

void DnsStreams::take_segment(Stream& stream, const dns_record& record, Part part) {
  const std::uint32_t sequence = record.sequence + record.offset;
  const bool begins = stream.last.length == 0;
  const std::int32_t ahead = distance(stream.next, sequence);
  if (!begins && (ahead > kWindow || ahead < -kWindow)) leave_off(stream);
  if (begins || ahead > kWindow || ahead < -kWindow) stream.next = sequence;
  stream.last = record;
  place(stream, sequence, part);
}

void DnsStreams::place(Stream& stream, std::uint32_t sequence, Part part) {
  const std::int32_t ahead = distance(stream.next, sequence);
  if (ahead > 0) {
    hold(stream, sequence, part);
    return;
  }
  const auto known = static_cast<std::size_t>(-std::int64_t{ahead});
  if (known < part.size()) go_on(stream, part.subspan(known));  // else it was sent again
  take_held(stream);
}

void DnsStreams::hold(Stream& stream, std::uint32_t sequence, Part part) {
  auto& ahead = stream.ahead;
  if (ahead.empty()) stream.waits_since = stream.last.jiffies;
  const auto at = std::find_if(ahead.begin(), ahead.end(), [&](const Piece& piece) {
    return distance(piece.sequence, sequence) <= 0;
  });
  if (at == ahead.end() || at->sequence != sequence) {
    ahead.insert(at, {sequence, {part.begin(), part.end()}});
  } else if (at->bytes.size() < part.size()) {
    at->bytes.assign(part.begin(), part.end());
  }
  if (ahead.size() > kPiecesMax) skip_to_held(stream);
}

// What is missing will not come.
void DnsStreams::skip_to_held(Stream& stream) {
  ++gaps_;
  hand_on_cut(stream);
  stream.next = stream.ahead.front().sequence;
  take_held(stream);
}

void DnsStreams::take_held(Stream& stream) {
  while (!stream.ahead.empty()) {
    const std::int32_t ahead = distance(stream.next, stream.ahead.front().sequence);
    if (ahead > 0) return;
    const Piece piece = std::move(stream.ahead.front());
    stream.ahead.erase(stream.ahead.begin());
    const auto known = static_cast<std::size_t>(-std::int64_t{ahead});
    if (known < piece.bytes.size()) go_on(stream, Part(piece.bytes).subspan(known));
  }
}

void DnsStreams::go_on(Stream& stream, Part part) {
  stream.bytes.insert(stream.bytes.end(), part.begin(), part.end());
  stream.next += static_cast<std::uint32_t>(part.size());
  cut_messages(stream);
}

void DnsStreams::cut_messages(Stream& stream) {
  const Part bytes = stream.bytes;
  std::size_t at = 0;
  while (bytes.size() - at >= kPrefix) {
    const std::size_t length = std::size_t{bytes[at]} << 8 | bytes[at + 1];
    const Part message = bytes.subspan(at + kPrefix);
    const bool has_head = message.size() >= DNS_HEADER_BYTES;
    if (length < DNS_HEADER_BYTES ||
        (has_head && !looks_like_answer(message.first(DNS_HEADER_BYTES)))) {
      ++gaps_;  // no message begins here
      at = bytes.size();
      break;
    }
    if (message.size() < length) break;
    sink_({stream.last, message.first(length), false});
    at += kPrefix + length;
  }
  stream.bytes.erase(stream.bytes.begin(), stream.bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

void DnsStreams::hand_on_cut(Stream& stream) {
  const std::size_t prefix = stream.last.protocol == IPPROTO_TCP ? kPrefix : 0;
  if (stream.bytes.size() >= prefix + DNS_HEADER_BYTES) {
    sink_({stream.last, Part(stream.bytes).subspan(prefix), true});
  }
  stream.bytes.clear();
}

// Nothing more comes of it.
void DnsStreams::leave_off(Stream& stream) {
  while (!stream.ahead.empty()) skip_to_held(stream);
  if (stream.last.protocol == IPPROTO_TCP && !stream.bytes.empty()) ++gaps_;
  hand_on_cut(stream);
}

void DnsStreams::end(Order::iterator stream) {
  held_.subtract(*stream);
  leave_off(*stream);
  streams_.erase(stream->key);
  order_.erase(stream);
}

}  // namespace outflow::agent
