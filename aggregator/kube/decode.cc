#include "aggregator/kube/decode.h"

#include <array>
#include <utility>

#include "aggregator/inventory/json_value.h"
#include "aggregator/kube/decode_parts.h"

namespace outflow::kube {

Result<EventType> event_type_of(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, EventType>, 5> kTypes{
      {{"ADDED", EventType::Added},
       {"MODIFIED", EventType::Modified},
       {"DELETED", EventType::Deleted},
       {"BOOKMARK", EventType::Bookmark},
       {"ERROR", EventType::Error}}};
  for (const auto& [name, type] : kTypes) {
    if (text == name) return type;
  }
  return fail("a watch event is of the unknown type '" + inventory::printable(text) + "'");
}

std::string problem_of(Kind kind, const std::string& namespace_name, const std::string& name,
                       const std::string& why) {
  const std::string full = namespace_name.empty() ? name : namespace_name + "/" + name;
  return inventory::printable(std::string(inventory::to_text(kind)) + " " +
                              (full.empty() ? "without a name" : full) + ": " + why);
}

Result<ListMeta> decode_list(const Source& source, std::string_view body,
                             const std::function<void(Item)>& each) {
  return source.encoding == Encoding::Protobuf ? decode_protobuf_list(source, body, each)
                                               : decode_json_list(source, body, each);
}

Result<Event> decode_event(const Source& source, std::string_view frame) {
  return source.encoding == Encoding::Protobuf ? decode_protobuf_event(source, frame)
                                               : decode_json_event(source, frame);
}

Status decode_status(std::string_view body, int http_code) {
  auto status = body.starts_with("k8s") ? decode_protobuf_status(body) : decode_json_status(body);
  if (!status) {
    while (body.ends_with('\n')) body.remove_suffix(1);
    Status quoted;
    quoted.message = inventory::printable(body);
    status = quoted;
  }
  status->message = inventory::printable(status->message);
  status->reason = inventory::printable(status->reason);
  if (status->code == 0) status->code = http_code;
  return *status;
}

}  // namespace outflow::kube
