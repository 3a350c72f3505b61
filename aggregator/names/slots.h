// Small numbers for things that are named over and over: each is kept once.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace outflow::names {

// Numbers are given out again once keep_only() has freed them. One thread at a time.
template <class Key, class Hash = std::hash<Key>>
class Slots {
 public:
  std::uint32_t id_of(const Key& key) {
    const auto [entry, added] = ids_.try_emplace(key, 0);
    if (!added) return entry->second;
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(keys_.size()));
      keys_.push_back(nullptr);
    }
    entry->second = free_.back();
    free_.pop_back();
    keys_[entry->second] = &entry->first;
    return entry->second;
  }
  // Whether it has a number.
  [[nodiscard]] bool find(const Key& key, std::uint32_t* id) const {
    const auto entry = ids_.find(key);
    if (entry == ids_.end()) return false;
    *id = entry->second;
    return true;
  }
  [[nodiscard]] const Key& key(std::uint32_t id) const { return *keys_[id]; }
  [[nodiscard]] std::size_t size() const { return ids_.size(); }

  template <class Visit>  // (key, id)
  void visit(const Visit& each) const {
    for (const auto& [key, id] : ids_) each(key, id);
  }

  // A mark for each number given out; all clear.
  [[nodiscard]] std::vector<bool> marks() const { return std::vector<bool>(keys_.size()); }
  // Frees the numbers that are not marked.
  void keep_only(const std::vector<bool>& used) {
    for (std::uint32_t id = 0; id < keys_.size(); ++id) {
      if (keys_[id] == nullptr || used[id]) continue;
      ids_.erase(ids_.find(*keys_[id]));
      keys_[id] = nullptr;
      free_.push_back(id);
    }
  }

 private:
  std::unordered_map<Key, std::uint32_t, Hash> ids_;  // nodes stay where they are
  std::vector<const Key*> keys_;
  std::vector<std::uint32_t> free_;
};

}  // namespace outflow::names
