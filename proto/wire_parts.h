// What the writers and readers of a batch's columns share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/clock.h"
#include "common/net/address.h"
#include "common/result.h"
#include "outflow/v1/flow.pb.h"

namespace outflow::wire {

// Addresses repeat (every flow has two), so a batch holds each once.
class Addresses {
 public:
  explicit Addresses(v1::Batch& batch) : batch_(batch) {}

  std::uint32_t index_of(const net::Address& address) {
    const auto [entry, added] =
        indexes_.try_emplace(address, static_cast<std::uint32_t>(indexes_.size()));
    if (added) {
      const auto packed = address.packed();
      batch_.add_addresses(packed.data(), packed.size());
    }
    return entry->second;
  }

 private:
  v1::Batch& batch_;
  std::unordered_map<net::Address, std::uint32_t> indexes_;
};

[[nodiscard]] inline std::int64_t since_us(TimePoint time, TimePoint start) {
  return std::chrono::floor<std::chrono::microseconds>(time - start).count();
}

// Agents and the aggregator may disagree about the time, but not by more than 400 days.
[[nodiscard]] inline bool in_range(std::int64_t us) {
  constexpr std::int64_t kOffsetMaxUs = 400LL * 24 * 3600 * 1'000'000;
  return us > -kOffsetMaxUs && us < kOffsetMaxUs;
}

[[nodiscard]] inline Result<net::Address> read_address(const std::string& bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return net::Address::from_bytes({data, bytes.size()});
}

}  // namespace outflow::wire
