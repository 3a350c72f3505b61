// Messages -> one row for each (interface, name, address) of an interval. Bounded: what finds no
// room is counted by who asks. For one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/delta.h"
#include "common/names.h"

namespace outflow::agent {

class NameTable {
 public:
  struct Bounds {
    std::size_t rows = 65'536;
    // Of one interface: a pod that asks for random names takes a quarter of the room.
    std::size_t interface_rows = 16'384;
    std::size_t text = 8U << 20U;  // bytes of all names and targets
    std::size_t interface_text = 2U << 20U;
  };
  // What one message says of one address.
  struct Told {
    std::uint64_t interface_id = 0;
    std::string_view name = {};
    net::Address address = {};
    net::Address resolver = {};
    std::string_view target = {};
    std::uint32_t ttl_s = 0;
    std::uint32_t flags = 0;
    std::uint32_t jiffies = 0;
  };

  explicit NameTable(const Bounds& bounds) : bounds_(bounds) {}

  // False: no room.
  bool add(const Told& told);
  // All rows of `other`, which is later and is empty then. Gives the messages that found no room.
  std::uint64_t take(NameTable& other);
  // Times are within the interval, because what they tell of happened in it.
  [[nodiscard]] std::vector<NameAnswer> rows(const JiffyClock& clock,
                                             const Interval& interval) const;
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  void clear();

 private:
  struct Key {
    std::uint64_t interface_id = 0;
    net::Address address;
    std::string name;
  };
  // Looked up without making a Key.
  struct View {
    std::uint64_t interface_id;
    const net::Address& address;
    std::string_view name;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const View& view) const noexcept;
    std::size_t operator()(const Key& key) const noexcept { return (*this)(view_of(key)); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Key& a, const Key& b) const { return equal(view_of(a), view_of(b)); }
    bool operator()(const View& a, const Key& b) const { return equal(a, view_of(b)); }
    bool operator()(const Key& a, const View& b) const { return equal(view_of(a), b); }
    static bool equal(const View& a, const View& b) {
      return a.interface_id == b.interface_id && a.address == b.address && a.name == b.name;
    }
  };
  struct Row {
    net::Address resolver;
    std::string target;
    std::uint32_t ttl_s = 0;
    std::uint32_t flags = 0;
    std::uint32_t first_jiffies = 0;
    std::uint32_t last_jiffies = 0;
    std::uint64_t answers = 0;
  };
  static View view_of(const Key& key) { return {key.interface_id, key.address, key.name}; }
  struct OfInterface {
    std::size_t rows = 0;
    std::size_t text = 0;
  };
  [[nodiscard]] bool has_text(const OfInterface& own, std::size_t more) const {
    return text_ + more <= bounds_.text && own.text + more <= bounds_.interface_text;
  }
  Row* row_of(const View& view, OfInterface& own);
  void fold(Row& row, const Row& later, std::string_view target, OfInterface& own);

  const Bounds bounds_;
  std::unordered_map<Key, Row, Hash, Equal> rows_;
  std::unordered_map<std::uint64_t, OfInterface> of_interface_;
  std::size_t text_ = 0;
};

}  // namespace outflow::agent
