// Messages <-> common types, both ways: the only place that knows both.
#pragma once

#include <cstddef>
#include <string>

#include "common/flow.h"
#include "common/result.h"
#include "outflow/v1/flow.pb.h"

namespace outflow::wire {

// Bounds of one batch; an agent splits what is larger, an aggregator refuses it.
inline constexpr std::size_t kFlowsMax = 16'384;  // about 1 MiB on the wire
inline constexpr std::size_t kInterfacesMax = 16'384;
inline constexpr std::size_t kAddressesMax = 65'536;
inline constexpr std::size_t kAnswersMax = 16'384;  // rows
inline constexpr std::size_t kSaidMax = 4'096;      // rows
inline constexpr std::size_t kNamesMax = 65'536;    // of the dictionary; two for a row of answers
inline constexpr std::size_t kCountersMax = 64;
inline constexpr std::size_t kNodeNameMax = 253;  // RFC 1123 subdomain, as Kubernetes bounds it
inline constexpr std::size_t kVersionMax = 64;
inline constexpr std::size_t kInterfaceNameMax = 15;         // IFNAMSIZ - 1, linux/if.h
inline constexpr std::size_t kMessageBytesMax = 16U << 20U;  // both ends' receive limit

// Times are cut to the microsecond. A report over the bounds is a programming error (assert).
[[nodiscard]] v1::Batch to_batch(const Report& report);

// What is over the bounds of common/facts.h is cut.
[[nodiscard]] v1::NodeFacts to_message(const NodeFacts& facts);
[[nodiscard]] Result<NodeFacts> to_facts(const v1::NodeFacts& message);

// Every field is checked: column lengths, dictionary indexes, ranges, bounds, order of times. The
// Error names the field and the row.
[[nodiscard]] Result<Report> to_report(const v1::Batch& batch);

}  // namespace outflow::wire
