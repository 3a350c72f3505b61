#include "aggregator/store/merge.h"

#include "aggregator/store/merge_operator.h"
#include "aggregator/store/name_record.h"

namespace outflow::store {
namespace {

struct Newest {
  using Row = History;
  static constexpr const char* kName = "outflow.flow/2";
  static bool read(std::string_view value, History& to) { return read_flow_value(value, to); }
  static void join(History& sum, const History& newer) { merge_into(sum, newer); }
  static std::string write(const History& sum) { return flow_value(sum); }
};

struct NewestNames {
  using Row = NameRecord;
  static bool read(std::string_view value, NameRecord& to) { return read_name_value(value, to); }
  static void join(NameRecord& sum, const NameRecord& newer) { merge_into(sum, newer); }
  static std::string write(const NameRecord& sum) { return name_value(sum); }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> make_merge_operator() {
  return std::make_shared<SumOperator<Newest, NewestNames>>();
}

}  // namespace outflow::store
