// What one version of one feed says: which prefixes are whose. Immutable and indexed once, then
// asked by any number of threads; about 36 bytes a prefix.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net/prefix.h"

namespace outflow::feeds {

enum class Direction : std::uint8_t {
  ToVendor = 0,    // addresses that are dialled
  FromVendor = 1,  // addresses the vendor comes from (web hooks, health checks): no destination
};
[[nodiscard]] std::string_view to_text(Direction direction);  // "to-vendor", "from-vendor"

// The prefixes of one service in one region. `service` and `region` are of letters, digits and
// "._-", at most kPartMax long, or "".
struct RangeClass {
  std::string service;
  std::string region;
  Direction direction = Direction::ToVendor;
  bool shared = false;     // one address serves many tenants: whoever opens it opens all of them
  bool catch_all = false;  // holds what other services of the feed have as well: AMAZON, AzureCloud

  friend auto operator<=>(const RangeClass&, const RangeClass&) = default;
};
inline constexpr std::size_t kPartMax = 64;

struct Range {
  net::Prefix prefix;
  std::uint32_t range_class = 0;  // index of RangeSet::classes()

  friend auto operator<=>(const Range&, const Range&) = default;
};

class RangeSet {
 public:
  // Every Range.range_class is below classes.size(). The same prefix may stand in several classes;
  // one that stands twice in one class is kept once.
  RangeSet(std::string feed, std::vector<RangeClass> classes, std::vector<Range> ranges);

  [[nodiscard]] const std::string& feed() const { return feed_; }
  [[nodiscard]] const std::vector<RangeClass>& classes() const { return classes_; }
  // "AWS/S3/eu-west-1": feed, service and region, what is empty left out.
  [[nodiscard]] const std::string& text(std::uint32_t range_class) const {
    return texts_[range_class];
  }
  // Prefixes of the class's service in all regions: the fewer, the more it tells.
  [[nodiscard]] std::uint32_t service_size(std::uint32_t range_class) const {
    return service_sizes_[range_class];
  }
  // IPv6 first, by address, then by length, then by class.
  [[nodiscard]] std::vector<Range> ranges() const;
  [[nodiscard]] std::size_t size() const { return in_class_.size(); }

  // Tells visit(prefix length of the address's family, class) of every prefix that holds the
  // address: the longest first, of one prefix by class.
  template <class Visit>
  void holding(const net::Address& address, Visit visit) const {
    const Key key = key_of(address);
    for (std::uint32_t at = last_not_after(key); at != kNone; at = nodes_[at].parent) {
      const Node& node = nodes_[at];
      if (!holds(node, key)) continue;
      for (std::uint32_t i = node.first; i < nodes_[at + 1].first; ++i) {
        visit(node.is_v4 ? node.length - kV4Offset : node.length, in_class_[i]);
      }
    }
  }

 private:
  // IPv4 stands mapped within IPv6, as in net::Address: one order for both.
  struct Key {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    bool is_v4 = false;
  };
  struct Node {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::uint32_t parent = kNone;  // the smallest prefix around this one
    std::uint32_t first = 0;       // of in_class_; ends where the next node's begin
    std::uint8_t length = 0;       // 0..128
    bool is_v4 = false;
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr int kV4Offset = 96;

  static Key key_of(const net::Address& address);
  static bool holds(const Node& node, const Key& key);
  [[nodiscard]] std::uint32_t last_not_after(const Key& key) const;
  void index(const std::vector<Range>& ranges);
  void describe();

  std::string feed_;
  std::vector<RangeClass> classes_;
  std::vector<std::string> texts_;
  std::vector<std::uint32_t> service_sizes_;
  std::vector<Node> nodes_;  // in the order of ranges(); one more at the end
  std::vector<std::uint32_t> in_class_;
};

}  // namespace outflow::feeds
