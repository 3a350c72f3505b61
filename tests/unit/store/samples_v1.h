// Stores as the program of outflow-store/1 wrote them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "aggregator/store/bytes.h"
#include "aggregator/store/record.h"
#include "aggregator/store/record_v1.h"
#include "tests/support/catch.h"

namespace outflow::store {

inline std::string key_v1(const History& history) {
  const std::string key = flow_key(history);
  return key.substr(0, key.size() - flow_key_peer(history.peer).size());
}

inline std::string value_v1(const History& history) {
  std::string value(1, '\x01');
  Writer out(value);
  const FlowStats& stats = history.stats;
  for (const std::uint64_t count : {stats.packets, stats.bytes, stats.attempts, stats.established,
                                    stats.refused, std::uint64_t{stats.flags}}) {
    out.varint(count);
  }
  out.signed_varint(unix_ns(stats.first_seen));
  out.signed_varint(unix_ns(stats.last_seen));
  out.text(history.source.workload.kind);
  out.text(history.source.workload.name);
  out.text(history.source.pod);
  out.text(history.source.reason);
  out.byte(1);
  out.byte(static_cast<std::uint8_t>(history.peer.kind));
  out.text(history.peer.namespace_name);
  out.text(history.peer.name);
  out.text(history.peer.workload_kind);
  out.text(history.peer.selector);
  out.text(history.peer.service);
  out.address(history.peer.address);
  out.text(history.peer.reason);
  return value;
}

inline std::unique_ptr<rocksdb::DB> raw_v1(const std::string& directory) {
  std::filesystem::create_directories(directory);
  rocksdb::Options options;
  options.create_if_missing = true;
  options.merge_operator = make_merge_operator_v1();
  rocksdb::DB* opened = nullptr;
  REQUIRE(rocksdb::DB::Open(options, directory, &opened).ok());
  return std::unique_ptr<rocksdb::DB>(opened);
}

}  // namespace outflow::store
