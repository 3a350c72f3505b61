// Fields of a protobuf message as values of the model. What does not fit is told to the Complaint
// with its path, as the JSON readers do; the value is then empty.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/inventory/json_value.h"
#include "aggregator/inventory/model.h"
#include "aggregator/kube/fields.h"

namespace outflow::kube {

using inventory::Complaint;

// Calls take(fields) for every field; notes a message that is none.
template <class Take>
void each_field(std::string_view message, const char* path, Complaint& complaint, Take take) {
  Fields fields(message);
  while (fields.next()) take(fields);
  if (fields.broken()) complaint.note(path, "is no such protobuf message");
}

// UTF-8, or "" and a complaint: our own messages and policies may carry nothing else.
[[nodiscard]] std::string pick_text(std::string_view bytes, const char* path, Complaint& complaint);
// 0..65535.
[[nodiscard]] std::uint16_t pick_port(std::uint64_t value, const char* path, Complaint& complaint);
[[nodiscard]] Protocol pick_protocol(std::string_view text, const char* path, Complaint& complaint);
// A meta.k8s.io/v1 Time; the zero time is the epoch.
[[nodiscard]] TimePoint pick_time(std::string_view message, const char* path, Complaint& complaint);
// One entry of a map<string, string>.
void pick_entry(std::string_view message, const char* path, Complaint& complaint,
                inventory::Labels& labels);
// Adds it unless it is "", "None" (a headless service) or there already.
void pick_address(std::string_view text, const char* path, Complaint& complaint,
                  std::vector<net::Address>& addresses);

struct Metadata {
  std::string namespace_name;
  std::string name;
  std::string uid;
  std::string resource_version;
  bool deleting = false;
  bool initial_events_end = false;
  inventory::Labels labels;
  std::optional<inventory::Workload> controller;
};
[[nodiscard]] Metadata pick_metadata(std::string_view message, Complaint& complaint);

inline constexpr std::string_view kInitialEventsEnd = "k8s.io/initial-events-end";
inline constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

}  // namespace outflow::kube
