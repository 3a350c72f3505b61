// A RocksDB merge operator over the values of tables whose rows are sums. Private to the store
// room.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include <rocksdb/merge_operator.h>

#include "aggregator/store/database.h"

namespace outflow::store {

// The values of one key, oldest first; one that cannot be read stays for its reader to find.
//
// An Encoding has:
//   using Row                                               History, NameRecord
//   static bool read(std::string_view value, Row& to)       false: no such value
//   static void join(Row& sum, const Row& newer)
//   static std::string write(const Row& sum)
template <class Encoding>
class Sum {
 public:
  void add(const rocksdb::Slice& value) {
    if (damaged_) return;
    typename Encoding::Row next;
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
  typename Encoding::Row sum_;
  std::string out_;
  bool empty_ = true;
  bool damaged_ = false;
};

// Flows::kName is persisted with the data. A format without names has none to tell apart.
template <class Flows, class Names = Flows>
class SumOperator final : public rocksdb::MergeOperator {
 public:
  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    out->new_value = of_names(in.key) ? sum<Names>(in.existing_value, in.operand_list)
                                      : sum<Flows>(in.existing_value, in.operand_list);
    return true;
  }
  bool PartialMergeMulti(const rocksdb::Slice& key, const std::deque<rocksdb::Slice>& operands,
                         std::string* out, rocksdb::Logger*) const override {
    *out = of_names(key) ? sum<Names>(nullptr, operands) : sum<Flows>(nullptr, operands);
    return true;
  }
  [[nodiscard]] const char* Name() const override { return Flows::kName; }

 private:
  static bool of_names(const rocksdb::Slice& key) {
    return view(key).starts_with(static_cast<char>(Table::Names));
  }
  template <class Encoding, class Operands>
  static std::string sum(const rocksdb::Slice* existing, const Operands& operands) {
    Sum<Encoding> of;
    if (existing != nullptr) of.add(*existing);
    for (const rocksdb::Slice& operand : operands) of.add(operand);
    return of.value();
  }
};

}  // namespace outflow::store
