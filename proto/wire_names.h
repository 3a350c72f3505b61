// The names of a batch: what DNS told pods, and what pods said. Part of proto/wire.h.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "common/flow.h"
#include "common/result.h"
#include "outflow/v1/flow.pb.h"
#include "proto/wire_parts.h"

namespace outflow::wire {

// Their interfaces are among `interfaces`: a programming error else (assert).
void add_names(const Report& report,
               const std::unordered_map<std::uint64_t, std::uint32_t>& interfaces,
               Addresses& addresses, v1::Batch& batch);

// Needs the report's interfaces and interval. The Error names the field and the row.
[[nodiscard]] Result<void> read_names(const v1::Batch& batch,
                                      const std::vector<net::Address>& addresses, Report& report);

}  // namespace outflow::wire
