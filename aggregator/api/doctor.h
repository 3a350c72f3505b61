// What is healthy, what is not, and what to do about it. Pure: the answer of `outflow doctor` is a
// function of what is seen here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/api/fact_board.h"
#include "aggregator/feeds/state.h"
#include "aggregator/store/store.h"
#include "common/clock.h"
#include "outflow/v1/query.pb.h"

namespace outflow::api {

// Certificates are read for hours; days are written beside each other by clocks that differ by
// less.
inline constexpr nanoseconds kSkewWarn = std::chrono::seconds(2);
inline constexpr nanoseconds kSkewFail = std::chrono::seconds(30);
// Of all packets of a day; beyond it what an agent saw is not the whole picture.
inline constexpr double kLossShareFail = 0.01;
inline constexpr nanoseconds kInventoryOld = std::chrono::hours(24);
inline constexpr nanoseconds kCertificateSoon = std::chrono::days(7);
inline constexpr nanoseconds kAgentCertificateSoon = std::chrono::hours(1);
// RocksDB writes memtables of 32 MiB and compacts beside what it reads.
inline constexpr std::uint64_t kDiskFreeFail = 256ULL << 20U;
inline constexpr double kDiskShareWarn = 0.1;

// Vendors publish every few days; a URL may be late by as many of its periods.
inline constexpr nanoseconds kFeedOld = std::chrono::days(30);
inline constexpr int kFeedPeriodsLate = 3;

struct NodeSight {
  std::string name;
  bool in_inventory = false;
  bool late = false;
  TimePoint last_report{};  // epoch: never
  std::string agent_version;
  std::optional<FactBoard::Told> told;
  std::map<std::string, std::uint64_t> losses;       // today
  std::map<std::string, std::uint64_t> name_losses;  // today and yesterday
  std::uint64_t packets = 0;  // recorded today; counted where there are losses
};

struct DoctorSight {
  TimePoint now{};
  std::string version;
  TimePoint inventory_as_of{};  // epoch: never read
  std::string inventory_error;
  bool needs_inventory = false;
  std::optional<TimePoint> certificate_expiry;  // nullopt: plaintext
  store::StoreState store;
  std::uint64_t facts_refused = 0;
  std::optional<feeds::FeedsState> feeds;  // nullopt: none are configured
  std::vector<NodeSight> nodes;            // by name
};

// The aggregator's checks first, then each node's.
[[nodiscard]] std::vector<v1::DoctorCheck> examine(const DoctorSight& sight);

// By how much the node's clock is off: behind the aggregator's when positive. What the way of the
// message explains counts as nothing, so a clock that is right is never blamed for a slow network.
[[nodiscard]] nanoseconds skew_of(const FactBoard::Told& told);

}  // namespace outflow::api
