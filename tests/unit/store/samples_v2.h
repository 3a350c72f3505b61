// Stores as the program of outflow-store/2 wrote them: without names.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "aggregator/store/merge.h"
#include "aggregator/store/record.h"
#include "tests/support/catch.h"

namespace outflow::store {

// A value of today without a name ends in the five bytes that say so: no naming, no candidates, no
// target, nothing said, no reason.
inline std::string value_v2(const History& history) {
  std::string value = flow_value(history);
  value.resize(value.size() - 5);
  value.front() = '\x02';
  return value;
}

inline std::unique_ptr<rocksdb::DB> raw_v2(const std::string& directory) {
  std::filesystem::create_directories(directory);
  rocksdb::Options options;
  options.create_if_missing = true;
  options.merge_operator = make_merge_operator();
  rocksdb::DB* opened = nullptr;
  REQUIRE(rocksdb::DB::Open(options, directory, &opened).ok());
  return std::unique_ptr<rocksdb::DB>(opened);
}

inline void make_v2(const std::string& directory, const History& history) {
  const auto db = raw_v2(directory);
  REQUIRE(db->Put({}, format_key(), rocksdb::Slice(kFormatNameless)).ok());
  REQUIRE(db->Put({}, flow_key(history), value_v2(history)).ok());
}

inline std::string format_of(const std::string& directory) {
  std::string format;
  REQUIRE(raw_v2(directory)->Get({}, format_key(), &format).ok());
  return format;
}

}  // namespace outflow::store
