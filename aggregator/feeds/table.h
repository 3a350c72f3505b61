// Which published or own range an address is in, as of a time. Immutable: whoever has a table may
// ask it from any thread for as long as he likes; a newer one is another table.
//
// Own classes (the operator's) win over feeds and hold at all times. Of each feed the version
// answers that was in effect at the time asked for; before the first one, the first. Within a feed
// the longest prefix wins, of one prefix the service with the fewest prefixes (it tells the most),
// and a catch-all service (AMAZON) only where no other service of the feed has the address. Between
// feeds the longest prefix wins, then the service with fewer prefixes, then the earlier feed of the
// manifest. Addresses a vendor comes *from* never class a destination; they are told as `others`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/feeds/range_set.h"
#include "common/clock.h"
#include "common/net/prefix.h"

namespace outflow::feeds {

// Another range that holds the address, and did not win.
struct RangeOverlap {
  std::string text;  // "AWS/AMAZON/eu-west-1"
  net::Prefix prefix;
  Direction direction = Direction::ToVendor;
};

struct RangeMatch {
  std::string text;  // the class: "AWS/S3/eu-west-1"; an own class: its name
  std::string feed;  // its name in the manifest; of an own class, the class's name
  std::string service;
  std::string region;
  net::Prefix prefix;
  bool own = false;                  // of the manifest's `classes`
  bool shared = false;               // one address serves many tenants
  std::string source;                // the file or URL, several with a space between them
  std::string digest;                // SHA-256 of what was read, 64 hex digits
  TimePoint accepted{};              // when the version came into effect here
  std::vector<RangeOverlap> others;  // the longest prefix first
};

// One accepted version of a feed.
struct FeedVersion {
  std::shared_ptr<const RangeSet> ranges;  // never null
  TimePoint accepted{};
  std::string source;
  std::string digest;
};

// A feed's versions, the oldest first; at least one, else the feed answers nothing.
struct FeedHistory {
  std::vector<FeedVersion> versions;
  bool own = false;
};

class RangeTable {
 public:
  RangeTable() = default;  // knows no range
  // In the manifest's order.
  explicit RangeTable(std::vector<FeedHistory> feeds) : feeds_(std::move(feeds)) {}

  // The range that classes a destination; nullopt when there is none.
  [[nodiscard]] std::optional<RangeMatch> find(const net::Address& address, TimePoint when) const;
  // The same class's text alone, "" when there is none; costs no memory. Lives as long as the
  // table.
  [[nodiscard]] std::string_view class_of(const net::Address& address, TimePoint when) const;
  [[nodiscard]] std::string_view own_class_of(const net::Address& address, TimePoint when) const;
  // Every prefix of a class ("AWS/S3/eu-west-1") as of a time, sorted; none of an unknown class,
  // and none of one a vendor comes from.
  [[nodiscard]] std::vector<net::Prefix> prefixes_of(std::string_view text, TimePoint when) const;

  [[nodiscard]] bool empty() const { return feeds_.empty(); }

 private:
  struct Best;
  [[nodiscard]] Best best(const net::Address& address, TimePoint when, bool own_only) const;

  std::vector<FeedHistory> feeds_;
};

}  // namespace outflow::feeds
