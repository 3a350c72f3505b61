// Small feeds, made up.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/feeds/table.h"

namespace outflow::feeds::samples {

inline const TimePoint kMonday = from_unix_ns(1'779'000'000'000'000'000);

inline net::Address address(std::string_view text) {
  return *net::Address::parse(text);
}

struct Row {
  std::string_view prefix;
  RangeClass range_class;
};

inline std::shared_ptr<const RangeSet> range_set(const std::string& feed,
                                                 std::initializer_list<Row> rows) {
  std::vector<RangeClass> classes;
  std::vector<Range> ranges;
  for (const Row& row : rows) {
    std::uint32_t at = 0;
    while (at < classes.size() && classes[at] != row.range_class) ++at;
    if (at == classes.size()) classes.push_back(row.range_class);
    ranges.push_back({*net::Prefix::parse(row.prefix), at});
  }
  return std::make_shared<const RangeSet>(feed, std::move(classes), std::move(ranges));
}

inline FeedVersion version(std::shared_ptr<const RangeSet> ranges, TimePoint accepted = kMonday) {
  return {std::move(ranges), accepted, "/feeds/some.json", std::string(64, 'a')};
}

}  // namespace outflow::feeds::samples
