// The outermost layer of what an API server sends: which encoding, where an object's bytes begin,
// where one watch event ends. Pure; every length is checked before it is believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace outflow::kube {

enum class Encoding : std::uint8_t { Protobuf, Json };

// Of a Content-Type: "application/vnd.kubernetes.protobuf;stream=watch", "application/json".
[[nodiscard]] Result<Encoding> encoding_of(std::string_view content_type);

// The envelope of every protobuf object and list: "k8s\0" and a runtime.Unknown
// (k8s.io/apimachinery, pkg/runtime/generated.proto: typeMeta 1, raw 2, contentEncoding 3).
struct Envelope {
  std::string_view kind;
  std::string_view raw;
};
[[nodiscard]] Result<Envelope> open_envelope(std::string_view bytes);

// A protobuf watch event (meta.k8s.io/v1 WatchEvent: type 1, object 2 = RawExtension{raw 1}).
struct RawEvent {
  std::string_view type;    // ADDED MODIFIED DELETED BOOKMARK ERROR
  std::string_view object;  // in an envelope
};
[[nodiscard]] Result<RawEvent> open_event(std::string_view frame);

// An object of etcd may have 1.5 MiB (its --max-request-bytes); what is ten times that is no event.
inline constexpr std::size_t kFrameBytesMax = std::size_t{16} << 20U;

// Cuts the stream of a watch into events: with protobuf each has a big-endian u32 length before it,
// with JSON each is a line. Takes the bytes as they come, cut anywhere.
class FrameSplitter {
 public:
  explicit FrameSplitter(Encoding encoding, std::size_t frame_max = kFrameBytesMax)
      : encoding_(encoding), frame_max_(frame_max) {}

  // Gives every frame that is whole now to `each`, in order; no more of them once it says false.
  // Fails on a frame larger than the limit; nothing can be read after that. A frame's bytes are
  // gone when `each` returns.
  [[nodiscard]] Result<void> feed(std::string_view bytes,
                                  const std::function<bool(std::string_view)>& each);
  // Bytes of a frame that is not whole yet.
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }

 private:
  // Where the frame at the start of `rest` begins and ends, and where the next one does.
  struct Cut {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t next = 0;  // 0: not whole yet
  };
  [[nodiscard]] Result<Cut> cut(std::string_view rest);

  Encoding encoding_;
  std::size_t frame_max_;
  std::string pending_;
  std::size_t searched_ = 0;  // of pending_, for the end of a line
};

}  // namespace outflow::kube
