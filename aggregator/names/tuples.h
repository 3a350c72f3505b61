// What a pod's flows were known by so far, for what tells nothing new about it: later packets of a
// long connection, and datagrams, which open nothing. Bounded. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "aggregator/names/weigh.h"
#include "common/flow.h"
#include "common/net/address.h"

namespace outflow::names {

struct TupleKey {
  Id place = 0;  // node and interface: a pod's, before and after a restart of ours
  std::uint16_t port = 0;
  Protocol protocol{};
  net::Address destination;
  friend bool operator==(const TupleKey&, const TupleKey&) = default;
};

struct TupleHash {
  std::size_t operator()(const TupleKey& key) const noexcept {
    const std::uint64_t rest = (std::uint64_t{key.place} << 24U) | (std::uint64_t{key.port} << 8U) |
                               static_cast<std::uint64_t>(key.protocol);
    return std::hash<net::Address>()(key.destination) ^ (rest * 0xff51afd7ed558ccdULL);
  }
};

class Tuples {
 public:
  explicit Tuples(std::size_t entries_max) : entries_max_(entries_max) {}

  struct Kept {
    Verdict verdict;
    std::uint64_t interface_id = 0;  // 0: kept over a restart, when nobody knows it any more
    TimePoint judged{};
    TimePoint used{};
  };
  // Null when there is none, or it is that of a pod that had the interface's name before.
  [[nodiscard]] Kept* find(const TupleKey& key, std::uint64_t interface_id);
  // Without room it is not kept, and counted.
  void put(const TupleKey& key, Kept kept);
  void sweep(TimePoint time);  // those not used since

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::uint64_t not_kept() const { return not_kept_; }
  template <class Visit>  // (key, kept)
  void visit(const Visit& visit) const {
    for (const auto& [key, kept] : entries_) visit(key, kept);
  }

 private:
  const std::size_t entries_max_;
  std::unordered_map<TupleKey, Kept, TupleHash> entries_;
  std::uint64_t not_kept_ = 0;
};

}  // namespace outflow::names
