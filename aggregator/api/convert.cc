#include "aggregator/api/convert.h"

#include "aggregator/api/question.h"
#include "common/names.h"
#include "common/text.h"

namespace outflow::api {

std::string time_text(TimePoint time) {
  return time == TimePoint() ? "" : to_text(time);
}

void put_counts(const std::map<std::string, std::uint64_t>& counts, Counts& message) {
  for (const auto& [reason, count] : counts) {
    if (count == 0) continue;
    v1::NamedCount& added = *message.Add();
    added.set_reason(reason);
    added.set_count(count);
  }
}

double confidence_of(const attribution::Candidate& candidate) {
  constexpr double kPermille = 1000;
  return candidate.permille / kPermille;
}

void put_said(const attribution::SaidEvidence& evidence, v1::SaidByPod& message) {
  message.set_name(evidence.name);
  message.set_by((evidence.flags & kSaidHost) != 0 ? "host" : "sni");
  message.set_ech((evidence.flags & kSaidEch) != 0);
  message.set_count(evidence.count);
}

void put_horizon(const analysis::Horizon& horizon, v1::Horizon& message) {
  message.set_valid_days(horizon.valid_days);
  message.set_wanted_days(horizon.wanted_days);
  message.set_incomplete(horizon.incomplete);
  for (const auto& reason : horizon.reasons) message.add_reasons(reason);
}

std::string workload_text(const inventory::Workload& workload) {
  return workload.name.empty() ? "" : workload.kind + "/" + workload.name;
}

std::string namespace_text(const std::string& namespace_name) {
  return namespace_name.empty() ? std::string(kUnattributed) : namespace_name;
}

void put_flow(const store::History& history, v1::FlowRow& row) {
  row.set_day(to_text(history.day));
  row.set_node(history.raw.node);
  row.set_interface(history.raw.interface_name);
  row.set_namespace_(namespace_text(history.source.namespace_name));
  row.set_workload(workload_text(history.source.workload));
  row.set_pod(history.source.pod);
  row.set_source(history.raw.source.to_string());
  row.set_destination(history.raw.destination.to_string());
  row.set_port(history.raw.port);
  row.set_protocol(to_text(history.raw.protocol));
  row.set_peer_kind(std::string(attribution::to_text(history.peer.kind)));
  row.set_peer(attribution::display_name(history.peer));
  row.set_peer_reason(history.peer.reason);
  row.set_source_reason(history.source.reason);
  row.set_packets(history.stats.packets);
  row.set_bytes(history.stats.bytes);
  row.set_attempts(history.stats.attempts);
  row.set_established(history.stats.established);
  row.set_refused(history.stats.refused);
  for (const auto& name : flag_names(history.stats.flags | history.raw.apart)) row.add_flags(name);
  row.set_first_seen(time_text(history.stats.first_seen));
  row.set_last_seen(time_text(history.stats.last_seen));
  row.set_evidence(history.raw.evidence == store::Evidence::Log ? "log" : "agent");
  put_naming(history.naming, row);
  row.set_provider(history.peer.provider);
}

}  // namespace outflow::api
