#include "aggregator/kube/decode_parts.h"
#include "aggregator/kube/field_numbers.h"
#include "aggregator/kube/pick.h"
#include "aggregator/kube/protobuf_objects.h"

namespace outflow::kube {
namespace {

std::string_view metadata_of(std::string_view message, Complaint& complaint) {
  std::string_view metadata;
  each_field(message, "", complaint, [&](Fields& fields) {
    if (fields.number() == field::kMetadata) metadata = fields.bytes();
  });
  return metadata;
}

Item pick_item(const Source& source, std::string_view message) {
  Item item;
  Complaint complaint;
  Metadata metadata = pick_metadata(metadata_of(message, complaint), complaint);
  const std::string namespace_name = metadata.namespace_name;
  const std::string name = metadata.name;
  item.uid = metadata.uid;
  item.resource_version = metadata.resource_version;
  item.initial_events_end = metadata.initial_events_end;
  if (name.empty()) complaint.note("metadata.name", "is missing");
  if (resource_of(source.kind).namespaced && namespace_name.empty()) {
    complaint.note("metadata.namespace", "is missing");
  }
  if (resource_of(source.kind).json_only) complaint.note("", "has no protobuf we know");
  inventory::Object object = pick_object(source.kind, message, std::move(metadata), complaint);
  if (complaint.text().empty()) {
    item.object = std::move(object);
  } else {
    item.problem = problem_of(source.kind, namespace_name, name, complaint.text());
  }
  return item;
}

ListMeta pick_list_meta(std::string_view message, Complaint& complaint) {
  ListMeta meta;
  each_field(message, "metadata", complaint, [&](Fields& fields) {
    if (fields.number() == field::list_meta::kResourceVersion) {
      meta.resource_version = pick_text(fields.bytes(), "metadata.resourceVersion", complaint);
    }
    if (fields.number() == field::list_meta::kContinue) {
      meta.continue_token = pick_text(fields.bytes(), "metadata.continue", complaint);
    }
  });
  return meta;
}

Status pick_status(std::string_view message, Complaint& complaint) {
  Status status;
  each_field(message, "Status", complaint, [&](Fields& fields) {
    switch (fields.number()) {
      case field::status::kMetadata:
        status.continue_token = pick_list_meta(fields.bytes(), complaint).continue_token;
        break;
      case field::status::kMessage:
        status.message = pick_text(fields.bytes(), "Status.message", complaint);
        break;
      case field::status::kReason:
        status.reason = pick_text(fields.bytes(), "Status.reason", complaint);
        break;
      case field::status::kDetails:
        each_field(fields.bytes(), "Status.details", complaint, [&](Fields& details) {
          if (details.number() != field::status::kDetailsRetryAfterSeconds) return;
          status.retry_after_seconds = static_cast<int>(details.varint());
        });
        break;
      case field::status::kCode:
        status.code = static_cast<int>(fields.varint());
        break;
      default:
        break;
    }
  });
  return status;
}

}  // namespace

Result<ListMeta> decode_protobuf_list(const Source& source, std::string_view body,
                                      const std::function<void(Item)>& each) {
  auto envelope = open_envelope(body);
  if (!envelope) return fail(std::move(envelope).error());
  if (!envelope->kind.ends_with("List")) {
    return fail("a " + inventory::printable(envelope->kind) + " instead of a list");
  }
  Complaint complaint;
  ListMeta meta;
  each_field(envelope->raw, "", complaint, [&](Fields& fields) {
    if (fields.number() == field::kMetadata) meta = pick_list_meta(fields.bytes(), complaint);
    if (fields.number() == field::kItems) each(pick_item(source, fields.bytes()));
  });
  if (!complaint.text().empty()) return fail("a list that cannot be read: " + complaint.text());
  return meta;
}

Result<Event> decode_protobuf_event(const Source& source, std::string_view frame) {
  const auto raw = open_event(frame);
  if (!raw) return fail(Error(raw.error()));
  auto type = event_type_of(raw->type);
  if (!type) return fail(std::move(type).error());
  const auto envelope = open_envelope(raw->object);
  if (!envelope) return fail(Error(envelope.error()).within("a watch event's object"));
  Event event{*type, {}, {}};
  Complaint complaint;
  switch (event.type) {
    case EventType::Error:
      event.status = pick_status(envelope->raw, complaint);
      break;
    case EventType::Bookmark: {
      const Metadata metadata = pick_metadata(metadata_of(envelope->raw, complaint), complaint);
      event.item.resource_version = metadata.resource_version;
      event.item.initial_events_end = metadata.initial_events_end;
      break;
    }
    default:
      event.item = pick_item(source, envelope->raw);
      return event;
  }
  if (!complaint.text().empty()) {
    return fail("a watch event that cannot be read: " + complaint.text());
  }
  return event;
}

Result<Status> decode_protobuf_status(std::string_view body) {
  const auto envelope = open_envelope(body);
  if (!envelope) return fail(Error(envelope.error()));
  if (envelope->kind != "Status") return fail("no Status");
  Complaint complaint;
  Status status = pick_status(envelope->raw, complaint);
  if (!complaint.text().empty()) return fail(complaint.text());
  return status;
}

}  // namespace outflow::kube
