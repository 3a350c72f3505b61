#include "aggregator/feeds/range_set.h"

#include <algorithm>
#include <cassert>

namespace outflow::feeds {
namespace {

std::uint64_t big_endian(const net::Address::Bytes& bytes, std::size_t from) {
  std::uint64_t value = 0;
  for (std::size_t i = from; i < from + 8; ++i) value = value << 8U | bytes[i];
  return value;
}

void put_big_endian(std::uint64_t value, net::Address::Bytes& bytes, std::size_t from) {
  for (std::size_t i = from + 8; i-- > from; value >>= 8U) {
    bytes[i] = static_cast<std::uint8_t>(value);
  }
}

// The first `length` of 64 bits, 0 and 64 included.
std::uint64_t mask_of(int length) {
  if (length <= 0) return 0;
  return length >= 64 ? UINT64_MAX : UINT64_MAX << static_cast<unsigned>(64 - length);
}

}  // namespace

std::string_view to_text(Direction direction) {
  return direction == Direction::FromVendor ? "from-vendor" : "to-vendor";
}

RangeSet::RangeSet(std::string feed, std::vector<RangeClass> classes, std::vector<Range> ranges)
    : feed_(std::move(feed)), classes_(std::move(classes)) {
  // IPv6 first, so that no prefix of one family stands between two of the other.
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    const bool a_v4 = a.prefix.address().is_v4();
    const bool b_v4 = b.prefix.address().is_v4();
    return a_v4 != b_v4 ? b_v4 : a < b;
  });
  ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
  index(ranges);
  describe();
}

RangeSet::Key RangeSet::key_of(const net::Address& address) {
  return {big_endian(address.bytes(), 0), big_endian(address.bytes(), 8), address.is_v4()};
}

bool RangeSet::holds(const Node& node, const Key& key) {
  return node.is_v4 == key.is_v4 && (key.high & mask_of(node.length)) == node.high &&
         (key.low & mask_of(node.length - 64)) == node.low;
}

// Prefixes are nested or apart, so in their order the ones around a prefix stand before it: a stack
// of those that are open tells each its parent.
void RangeSet::index(const std::vector<Range>& ranges) {
  std::vector<std::uint32_t> open;
  for (const Range& range : ranges) {
    assert(range.range_class < classes_.size());
    const Key key = key_of(range.prefix.address());
    Node node{key.high, key.low, kNone, static_cast<std::uint32_t>(in_class_.size()), 0, key.is_v4};
    node.length = static_cast<std::uint8_t>(range.prefix.length() + (key.is_v4 ? kV4Offset : 0));
    in_class_.push_back(range.range_class);
    if (!nodes_.empty() && nodes_.back().length == node.length &&
        nodes_.back().is_v4 == key.is_v4 && nodes_.back().high == key.high &&
        nodes_.back().low == key.low) {
      continue;
    }
    while (!open.empty() && !holds(nodes_[open.back()], key)) open.pop_back();
    if (!open.empty()) node.parent = open.back();
    open.push_back(static_cast<std::uint32_t>(nodes_.size()));
    nodes_.push_back(node);
  }
  nodes_.push_back({UINT64_MAX, UINT64_MAX, kNone, static_cast<std::uint32_t>(in_class_.size())});
  nodes_.shrink_to_fit();
  in_class_.shrink_to_fit();
}

void RangeSet::describe() {
  std::map<std::string_view, std::uint32_t> of_service;
  for (const std::uint32_t range_class : in_class_) ++of_service[classes_[range_class].service];
  for (const RangeClass& described : classes_) {
    std::string text = feed_;
    if (!described.service.empty()) text += "/" + described.service;
    if (!described.region.empty()) text += "/" + described.region;
    texts_.push_back(std::move(text));
    service_sizes_.push_back(of_service[described.service]);
  }
}

std::uint32_t RangeSet::last_not_after(const Key& key) const {
  const auto end = nodes_.end() - 1;
  const auto after =
      std::upper_bound(nodes_.begin(), end, key, [](const Key& one, const Node& node) {
        if (one.is_v4 != node.is_v4) return node.is_v4;
        return one.high != node.high ? one.high < node.high : one.low < node.low;
      });
  return after == nodes_.begin() ? kNone : static_cast<std::uint32_t>(after - nodes_.begin() - 1);
}

std::vector<Range> RangeSet::ranges() const {
  std::vector<Range> all;
  all.reserve(in_class_.size());
  for (std::size_t at = 0; at + 1 < nodes_.size(); ++at) {
    const Node& node = nodes_[at];
    net::Address::Bytes bytes{};
    put_big_endian(node.high, bytes, 0);
    put_big_endian(node.low, bytes, 8);
    const int length = node.is_v4 ? node.length - kV4Offset : node.length;
    const auto prefix = net::Prefix::of(net::Address(bytes), length);
    assert(prefix);
    for (std::uint32_t i = node.first; i < nodes_[at + 1].first; ++i) {
      all.push_back({*prefix, in_class_[i]});
    }
  }
  return all;
}

}  // namespace outflow::feeds
