#include <algorithm>

#include "aggregator/inventory/kube_objects.h"
#include "aggregator/kube/calico_objects.h"
#include "aggregator/kube/decode_parts.h"
#include "aggregator/kube/pick.h"

namespace outflow::kube {
namespace {

using inventory::JsonValue;

inventory::Object read_slice(const JsonValue& object, std::string namespace_name,
                             std::string name) {
  return inventory::EndpointSlice{std::move(namespace_name), std::move(name),
                                  object["metadata"]["labels"][kServiceNameLabel].text(),
                                  inventory::read_endpoint_slice(object)};
}

inventory::Object read_object(const Source& source, const JsonValue& object) {
  const std::string namespace_name = object["metadata"]["namespace"].text();
  const std::string name = object["metadata"]["name"].text();
  switch (source.kind) {
    case Kind::Namespace:
      return inventory::read_namespace(object);
    case Kind::Node:
      return inventory::read_node(object);
    case Kind::Pod: {
      inventory::Pod pod = inventory::read_pod(object);
      pod.uid = object["metadata"]["uid"].text();
      return pod;
    }
    case Kind::Service:
      return inventory::read_service(object);
    case Kind::EndpointSlice:
      return read_slice(object, namespace_name, name);
    case Kind::NetworkPolicy:
      return inventory::NetworkPolicy{namespace_name, name, inventory::limits_egress(object)};
    case Kind::ReplicaSet:
    case Kind::Deployment:
    case Kind::StatefulSet:
    case Kind::DaemonSet:
    case Kind::CronJob:
    case Kind::Job:
      return inventory::Owner{source.kind, namespace_name, name, inventory::controller_of(object)};
    default:
      return read_calico(source.kind, source.crd, object);
  }
}

Item read_item(const Source& source, simdjson::dom::element element) {
  Item item;
  Complaint complaint;
  const JsonValue value(element, "", complaint);
  const JsonValue metadata = value["metadata"];
  const std::string namespace_name = metadata["namespace"].text();
  const std::string name = metadata["name"].text();
  item.uid = metadata["uid"].text();
  item.resource_version = metadata["resourceVersion"].text();
  if (name.empty()) metadata["name"].complain("is missing");
  if (resource_of(source.kind).namespaced && namespace_name.empty()) {
    metadata["namespace"].complain("is missing");
  }
  inventory::Object object = read_object(source, value);
  if (complaint.text().empty()) {
    item.object = std::move(object);
  } else {
    item.problem = problem_of(source.kind, namespace_name, name, complaint.text());
  }
  return item;
}

int number_of(const JsonValue& value) {
  constexpr double kMax = 1'000'000;
  return static_cast<int>(std::clamp(value.number().value_or(0), 0.0, kMax));
}

Status read_status(const JsonValue& value) {
  return {.code = number_of(value["code"]),
          .reason = value["reason"].text(),
          .message = value["message"].text(),
          .continue_token = value["metadata"]["continue"].text(),
          .retry_after_seconds = number_of(value["details"]["retryAfterSeconds"])};
}

tl::unexpected<Error> not_json(simdjson::error_code code) {
  return fail(std::string("not JSON: ") + simdjson::error_message(code));
}

}  // namespace

Result<ListMeta> decode_json_list(const Source& source, std::string_view body,
                                  const std::function<void(Item)>& each) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto code = parser.parse(body.data(), body.size()).get(root)) return not_json(code);
  Complaint complaint;
  const JsonValue list(root, "", complaint);
  const std::string kind = list["kind"].text();
  if (!kind.ends_with("List")) {
    return fail("a " + inventory::printable(kind) + " instead of a list");
  }
  ListMeta meta{list["metadata"]["resourceVersion"].text(), list["metadata"]["continue"].text()};
  simdjson::dom::element items;
  simdjson::dom::array elements;
  // Go writes an empty list as null.
  if (root["items"].get(items) == simdjson::SUCCESS && !items.is_null()) {
    if (items.get(elements) != simdjson::SUCCESS) return fail("items is no list");
    for (const auto element : elements) each(read_item(source, element));
  }
  if (!complaint.text().empty()) return fail("a list that cannot be read: " + complaint.text());
  return meta;
}

Result<Event> decode_json_event(const Source& source, std::string_view frame) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto code = parser.parse(frame.data(), frame.size()).get(root)) return not_json(code);
  Complaint complaint;
  const JsonValue value(root, "", complaint);
  const auto type = event_type_of(value["type"].text());
  if (!type) return fail(Error(type.error()));
  Event event{*type, {}, {}};
  simdjson::dom::element object;
  if (root["object"].get(object) != simdjson::SUCCESS) return fail("a watch event without object");
  const JsonValue metadata = value["object"]["metadata"];
  switch (event.type) {
    case EventType::Error:
      event.status = read_status(value["object"]);
      break;
    case EventType::Bookmark:
      event.item.resource_version = metadata["resourceVersion"].text();
      event.item.initial_events_end = metadata["annotations"][kInitialEventsEnd].text() == "true";
      break;
    default:
      event.item = read_item(source, object);
  }
  if (!complaint.text().empty()) {
    return fail("a watch event that cannot be read: " + complaint.text());
  }
  return event;
}

Result<Status> decode_json_status(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto code = parser.parse(body.data(), body.size()).get(root)) return not_json(code);
  Complaint complaint;
  const JsonValue value(root, "", complaint);
  if (value["kind"].text() != "Status") return fail("no Status");
  Status status = read_status(value);
  if (!complaint.text().empty()) return fail(complaint.text());
  return status;
}

}  // namespace outflow::kube
