// A RocksDB merge operator over flow values of one encoding. Private to the store room.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include <rocksdb/merge_operator.h>

#include "aggregator/store/database.h"

namespace outflow::store {

// An Encoding has:
//   static constexpr const char* kName                      persisted with the data
//   static bool read(std::string_view value, History& to)   false: no such value
//   static void join(History& sum, const History& newer)
//   static std::string write(const History& sum)
template <class Encoding>
class SumOperator final : public rocksdb::MergeOperator {
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
  [[nodiscard]] const char* Name() const override { return Encoding::kName; }

 private:
  // The values of one key, oldest first; one that cannot be read stays for its reader to find.
  class Sum {
   public:
    void add(const rocksdb::Slice& value) {
      if (damaged_) return;
      History next;
      if (!Encoding::read(view(value), next)) {
        damaged_ = true;
        out_ = value.ToString();
      } else if (empty_) {
        sum_ = std::move(next);
        empty_ = false;
      } else {
        Encoding::join(sum_, next);
      }
    }
    std::string value() { return damaged_ ? std::move(out_) : Encoding::write(sum_); }

   private:
    History sum_;
    std::string out_;
    bool empty_ = true;
    bool damaged_ = false;
  };
};

}  // namespace outflow::store
