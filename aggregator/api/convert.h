// Our values -> the messages of query.proto. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "aggregator/analysis/finding.h"
#include "outflow/v1/query.pb.h"

namespace outflow::api {

// "" for the epoch, which stands for never.
[[nodiscard]] std::string time_text(TimePoint time);

using Counts = google::protobuf::RepeatedPtrField<v1::NamedCount>;
// Reasons that never happened are left out.
void put_counts(const std::map<std::string, std::uint64_t>& counts, Counts& message);

void put_horizon(const analysis::Horizon& horizon, v1::Horizon& message);
void put_flow(const store::History& history, v1::FlowRow& row);

// "Deployment/web"; "" when unknown.
[[nodiscard]] std::string workload_text(const inventory::Workload& workload);
// The namespace, or kUnattributed for "".
[[nodiscard]] std::string namespace_text(const std::string& namespace_name);

}  // namespace outflow::api
