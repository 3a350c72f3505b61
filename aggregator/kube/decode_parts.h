// The two readers behind decode.h; only decode.cc calls them.
#pragma once

#include "aggregator/kube/decode.h"

namespace outflow::kube {

[[nodiscard]] Result<ListMeta> decode_protobuf_list(const Source& source, std::string_view body,
                                                    const std::function<void(Item)>& each);
[[nodiscard]] Result<Event> decode_protobuf_event(const Source& source, std::string_view frame);
[[nodiscard]] Result<Status> decode_protobuf_status(std::string_view body);

[[nodiscard]] Result<ListMeta> decode_json_list(const Source& source, std::string_view body,
                                                const std::function<void(Item)>& each);
[[nodiscard]] Result<Event> decode_json_event(const Source& source, std::string_view frame);
[[nodiscard]] Result<Status> decode_json_status(std::string_view body);

[[nodiscard]] Result<EventType> event_type_of(std::string_view text);

// "Pod web/web-1: status.podIP: ...": `why` of an object that has at least a name.
[[nodiscard]] std::string problem_of(Kind kind, const std::string& namespace_name,
                                     const std::string& name, const std::string& why);

}  // namespace outflow::kube
