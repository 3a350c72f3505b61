#include "aggregator/store/merge.h"

#include <deque>
#include <string>
#include <vector>

#include "aggregator/store/record.h"

namespace outflow::store {
namespace {

std::string_view view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// The values of one key, oldest first, as one value.
class Sum {
 public:
  void add(const rocksdb::Slice& value) {
    if (damaged_) return;
    History next;
    if (!read_flow_value(view(value), next)) {
      damaged_ = true;
      out_ = value.ToString();
    } else if (empty_) {
      sum_ = std::move(next);
      empty_ = false;
    } else {
      merge_into(sum_, next);
    }
  }
  std::string value() { return damaged_ ? std::move(out_) : flow_value(sum_); }

 private:
  History sum_;
  std::string out_;
  bool empty_ = true;
  bool damaged_ = false;
};

class FlowMerge final : public rocksdb::MergeOperator {
 public:
  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    Sum sum;
    if (in.existing_value != nullptr) sum.add(*in.existing_value);
    for (const rocksdb::Slice& operand : in.operand_list) sum.add(operand);
    out->new_value = sum.value();
    return true;
  }
  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands,
                         std::string* out, rocksdb::Logger*) const override {
    Sum sum;
    for (const rocksdb::Slice& operand : operands) sum.add(operand);
    *out = sum.value();
    return true;
  }
  [[nodiscard]] const char* Name() const override { return "outflow.flow/2"; }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> make_merge_operator() {
  return std::make_shared<FlowMerge>();
}

}  // namespace outflow::store
