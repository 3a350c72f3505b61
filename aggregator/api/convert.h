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

// 0..1, as query.proto has it.
[[nodiscard]] double confidence_of(const attribution::Candidate& candidate);
void put_said(const attribution::SaidEvidence& evidence, v1::SaidByPod& message);

void put_horizon(const analysis::Horizon& horizon, v1::Horizon& message);
void put_flow(const store::History& history, v1::FlowRow& row);

// What is known of a flow's name: a FlowRow or an ExplainRow.
template <class Row>
void put_naming(const attribution::NameEvidence& evidence, Row& row) {
  row.set_naming(std::string(attribution::to_text(evidence.naming)));
  for (const auto& candidate : evidence.candidates) {
    v1::NameCandidate& name = *row.add_names();
    name.set_name(candidate.name);
    name.set_confidence(confidence_of(candidate));
    name.set_basis(std::string(attribution::to_text(candidate.basis)));
    name.set_said(candidate.said);
  }
  for (const auto& one : evidence.said) put_said(one, *row.add_said());
}

// "Deployment/web"; "" when unknown.
[[nodiscard]] std::string workload_text(const inventory::Workload& workload);
// The namespace, or kUnattributed for "".
[[nodiscard]] std::string namespace_text(const std::string& namespace_name);

}  // namespace outflow::api
