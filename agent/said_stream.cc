#include "agent/said_stream.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace outflow::agent {
namespace {

bool is_honest(const said_record& record, std::size_t size) {
  return record.copied > 0 && record.copied <= SAID_PART_MAX && record.wanted <= SAID_BYTES_MAX &&
         record.offset + record.copied <= record.wanted && record.copied <= size - sizeof record;
}

}  // namespace

bool SaidStreams::take(const void* record, std::size_t size) {
  said_record head{};
  if (size < sizeof head) return false;
  std::memcpy(&head, record, sizeof head);
  if (!is_honest(head, size)) return false;
  const Part part(static_cast<const std::uint8_t*>(record) + sizeof head, head.copied);
  if (head.offset > 0) {
    go_on(head, part);
  } else if (head.copied == head.wanted) {
    sink_({head, part});
  } else {
    begin(head, part);
  }
  return true;
}

void SaidStreams::begin(const said_record& record, Part part) {
  const Key key{record.interface_id, record.begin,
                static_cast<std::uint32_t>(record.source_port << 16U | record.destination_port)};
  if (!streams_.contains(key) && streams_.size() >= bounds_.streams) drop_longest(record.jiffies);
  Stream& stream = streams_[key];
  if (!stream.bytes.empty()) ++gaps_;
  stream.first = record;
  stream.bytes.assign(part.begin(), part.end());
}

void SaidStreams::go_on(const said_record& record, Part part) {
  const auto found = streams_.find(
      {record.interface_id, record.begin,
       static_cast<std::uint32_t>(record.source_port << 16U | record.destination_port)});
  if (found == streams_.end()) {
    ++gaps_;
    return;
  }
  Stream& stream = found->second;
  // A part that does not fit: what came between found no room in the ring.
  if (record.offset != stream.bytes.size() || record.wanted != stream.first.wanted) {
    ++gaps_;
    streams_.erase(found);
    return;
  }
  stream.bytes.insert(stream.bytes.end(), part.begin(), part.end());
  if (stream.bytes.size() < stream.first.wanted) return;
  sink_({stream.first, stream.bytes});
  streams_.erase(found);
}

void SaidStreams::drop_longest(std::uint32_t now_jiffies) {
  const auto longest = std::max_element(
      streams_.begin(), streams_.end(), [now_jiffies](const auto& a, const auto& b) {
        return now_jiffies - a.second.first.jiffies < now_jiffies - b.second.first.jiffies;
      });
  if (longest == streams_.end()) return;
  streams_.erase(longest);
  ++gaps_;
}

void SaidStreams::age(std::uint32_t now_jiffies) {
  gaps_ += std::erase_if(streams_, [&](const auto& entry) {
    return now_jiffies - entry.second.first.jiffies > bounds_.patience_jiffies;
  });
}

}  // namespace outflow::agent
