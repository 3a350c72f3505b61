// How RocksDB adds a flow's or a name's value to the one it has. The name is persisted with the
// data.
#pragma once

#include <memory>

#include <rocksdb/merge_operator.h>

namespace outflow::store {

// Never fails: a merge that fails would stop the whole database. Where a value cannot be read, it
// is kept in place of the sum, and whoever reads it gets an Error naming the key.
[[nodiscard]] std::shared_ptr<rocksdb::MergeOperator> make_merge_operator();

}  // namespace outflow::store
