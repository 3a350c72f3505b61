// What an API server answers -> the model. Pure. Protobuf is read by picking fields by number; JSON
// is taken where the server has nothing else (custom resources) or prefers it.
//
// An object that cannot be read (no name, an address that is none, a broken message) is not given:
// its item says why in `problem`, and the rest of the list or stream is read on. Whoever calls
// counts these by kind. What was known of such an object stays until the next list, which is
// without it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "aggregator/inventory/objects.h"
#include "aggregator/kube/frames.h"
#include "aggregator/kube/kinds.h"
#include "common/result.h"

namespace outflow::kube {

// What is asked for: the same bytes are read by what they were asked as.
struct Source {
  Kind kind{};
  Encoding encoding{};
  // crd.projectcalico.org/v1 keeps the objects of projectcalico.org/v3 in its own way: policies of
  // the default tier are called "default.NAME", labels may be inside an annotation.
  bool crd = false;
};

struct Item {
  std::optional<inventory::Object> object;
  std::string uid;
  std::string resource_version;
  std::string problem;              // why there is no object, with its name; else ""
  bool initial_events_end = false;  // of a bookmark: annotation k8s.io/initial-events-end
};

struct ListMeta {
  std::string resource_version;
  std::string continue_token;  // "" on the last page
};

// meta.k8s.io/v1 Status: what is answered instead.
struct Status {
  int code = 0;
  std::string reason;
  std::string message;
  std::string continue_token;   // of an expired list: where it could go on, inconsistently
  int retry_after_seconds = 0;  // 0: not said
};

enum class EventType : std::uint8_t { Added, Modified, Deleted, Bookmark, Error };

struct Event {
  EventType type{};
  Item item;      // of a Bookmark only the resource version
  Status status;  // of an Error
};

// Every item of a list body in its order, then what the list says of itself.
[[nodiscard]] Result<ListMeta> decode_list(const Source& source, std::string_view body,
                                           const std::function<void(Item)>& each);
// One frame of a watch.
[[nodiscard]] Result<Event> decode_event(const Source& source, std::string_view frame);
// The body of an answer that is no success. Any body gives a Status: what is no Status is quoted.
[[nodiscard]] Status decode_status(std::string_view body, int http_code);

}  // namespace outflow::kube
