// Flow records as outflow-store/1 kept them, for the upgrade alone: who the peer was stood in the
// value, and the newest class won when values of one key were joined. Pure.
#pragma once

#include <memory>
#include <string_view>

#include "aggregator/store/history.h"

namespace rocksdb {
class MergeOperator;
}

namespace outflow::store {

inline constexpr std::string_view kFormatV1 = "outflow-store/1";

// False: these bytes are no record of that format.
[[nodiscard]] bool read_flow_v1(std::string_view key, std::string_view value, History& history);
// As that program did: a database of the format cannot be read without it.
[[nodiscard]] std::shared_ptr<rocksdb::MergeOperator> make_merge_operator_v1();

}  // namespace outflow::store
