#include "aggregator/kube/pick.h"

#include <simdjson.h>

#include <algorithm>

#include "aggregator/kube/field_numbers.h"

namespace outflow::kube {
namespace {

// What nanoseconds since 1970 can say in 64 bits: the years 1677 to 2262.
constexpr std::int64_t kSecondsMax = 9'223'372'036 - 1;
constexpr std::int64_t kNanosMax = 999'999'999;

std::optional<inventory::Workload> pick_controller(std::string_view message, Complaint& complaint) {
  inventory::Workload workload;
  bool controller = false;
  each_field(message, "metadata.ownerReferences", complaint, [&](Fields& owner) {
    switch (owner.number()) {
      case field::owner_reference::kKind:
        workload.kind = pick_text(owner.bytes(), "metadata.ownerReferences.kind", complaint);
        break;
      case field::owner_reference::kName:
        workload.name = pick_text(owner.bytes(), "metadata.ownerReferences.name", complaint);
        break;
      case field::owner_reference::kController:
        controller = owner.varint() != 0;
        break;
      default:
        break;
    }
  });
  if (!controller) return std::nullopt;
  if (workload.kind.empty()) complaint.note("metadata.ownerReferences.kind", "is missing");
  if (workload.name.empty()) complaint.note("metadata.ownerReferences.name", "is missing");
  return workload;
}

// Annotations may be large, and only one of them is ours.
bool is_initial_events_end(std::string_view message) {
  Fields entry(message);
  while (entry.next()) {
    if (entry.number() == field::kMapKey) return entry.bytes() == kInitialEventsEnd;
  }
  return false;
}

}  // namespace

std::string pick_text(std::string_view bytes, const char* path, Complaint& complaint) {
  if (simdjson::validate_utf8(bytes.data(), bytes.size())) return std::string(bytes);
  complaint.note(path, "is no UTF-8 text");
  return "";
}

std::uint16_t pick_port(std::uint64_t value, const char* path, Complaint& complaint) {
  if (value <= 65'535) return static_cast<std::uint16_t>(value);
  complaint.note(path, "is no port (0..65535)");
  return 0;
}

Protocol pick_protocol(std::string_view text, const char* path, Complaint& complaint) {
  if (text.empty() || text == "TCP") return Protocol::Tcp;  // the API's default
  if (text == "UDP") return Protocol::Udp;
  if (text == "SCTP") return Protocol::Sctp;
  complaint.note(path, "'" + inventory::printable(text) + "' is none of TCP, UDP, SCTP");
  return Protocol::Tcp;
}

TimePoint pick_time(std::string_view message, const char* path, Complaint& complaint) {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  each_field(message, path, complaint, [&](Fields& time) {
    if (time.number() == field::time::kSeconds) seconds = static_cast<std::int64_t>(time.varint());
    if (time.number() == field::time::kNanos) nanos = static_cast<std::int64_t>(time.varint());
  });
  if (seconds < -kSecondsMax || seconds > kSecondsMax || nanos < 0 || nanos > kNanosMax) {
    complaint.note(path, "is no time between 1678 and 2262");
    return {};
  }
  return TimePoint(std::chrono::seconds(seconds) + nanoseconds(nanos));
}

void pick_entry(std::string_view message, const char* path, Complaint& complaint,
                inventory::Labels& labels) {
  std::string key;
  std::string value;
  each_field(message, path, complaint, [&](Fields& entry) {
    if (entry.number() == field::kMapKey) key = pick_text(entry.bytes(), path, complaint);
    if (entry.number() == field::kMapValue) value = pick_text(entry.bytes(), path, complaint);
  });
  labels[std::move(key)] = std::move(value);
}

void pick_address(std::string_view text, const char* path, Complaint& complaint,
                  std::vector<net::Address>& addresses) {
  if (text.empty() || text == "None") return;
  auto address = net::Address::parse(text);
  if (!address) {
    complaint.note(path, address.error().what);
    return;
  }
  if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
    addresses.push_back(*address);
  }
}

Metadata pick_metadata(std::string_view message, Complaint& complaint) {
  namespace meta = field::object_meta;
  Metadata metadata;
  each_field(message, "metadata", complaint, [&](Fields& fields) {
    switch (fields.number()) {
      case meta::kName:
        metadata.name = pick_text(fields.bytes(), "metadata.name", complaint);
        break;
      case meta::kNamespace:
        metadata.namespace_name = pick_text(fields.bytes(), "metadata.namespace", complaint);
        break;
      case meta::kUid:
        metadata.uid = pick_text(fields.bytes(), "metadata.uid", complaint);
        break;
      case meta::kResourceVersion:
        metadata.resource_version =
            pick_text(fields.bytes(), "metadata.resourceVersion", complaint);
        break;
      case meta::kDeletionTimestamp:
        metadata.deleting = true;
        break;
      case meta::kLabels:
        pick_entry(fields.bytes(), "metadata.labels", complaint, metadata.labels);
        break;
      case meta::kAnnotations:
        metadata.initial_events_end =
            metadata.initial_events_end || is_initial_events_end(fields.bytes());
        break;
      case meta::kOwnerReferences:
        if (auto controller = pick_controller(fields.bytes(), complaint)) {
          metadata.controller = std::move(controller);
        }
        break;
      default:
        break;
    }
  });
  return metadata;
}

}  // namespace outflow::kube
