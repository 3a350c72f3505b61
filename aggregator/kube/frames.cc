#include "aggregator/kube/frames.h"

#include "aggregator/kube/fields.h"

namespace outflow::kube {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);
constexpr std::size_t kLengthBytes = 4;

std::string megabytes(std::size_t bytes) {
  return std::to_string(bytes >> 20U) + " MiB";
}

}  // namespace

Result<Encoding> encoding_of(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  if (type == "application/vnd.kubernetes.protobuf") return Encoding::Protobuf;
  if (type == "application/json") return Encoding::Json;
  return fail("the server answers with Content-Type '" + std::string(content_type.substr(0, 80)) +
              "' instead of Kubernetes protobuf or JSON");
}

Result<Envelope> open_envelope(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) return fail("no Kubernetes protobuf: it does not begin with k8s");
  Envelope envelope;
  Fields unknown(bytes.substr(kMagic.size()));
  bool encoded = false;
  while (unknown.next()) {
    if (unknown.number() == 1) {
      Fields type(unknown.bytes());
      while (type.next()) {
        if (type.number() == 2) envelope.kind = type.bytes();
      }
      if (type.broken()) return fail("the envelope's typeMeta is no protobuf message");
    } else if (unknown.number() == 2) {
      envelope.raw = unknown.bytes();
    } else if (unknown.number() == 3) {
      encoded = !unknown.bytes().empty();
    }
  }
  if (unknown.broken()) return fail("the envelope is no protobuf message");
  if (encoded) return fail("the envelope's content is encoded, which was not asked for");
  return envelope;
}

Result<RawEvent> open_event(std::string_view frame) {
  RawEvent event;
  Fields fields(frame);
  while (fields.next()) {
    if (fields.number() == 1) event.type = fields.bytes();
    if (fields.number() == 2) {
      Fields extension(fields.bytes());
      while (extension.next()) {
        if (extension.number() == 1) event.object = extension.bytes();
      }
      if (extension.broken()) return fail("a watch event's object is no protobuf message");
    }
  }
  if (fields.broken()) return fail("a watch event is no protobuf message");
  return event;
}

Result<FrameSplitter::Cut> FrameSplitter::cut(std::string_view rest) {
  const auto too_large = [this](std::size_t size) {
    return fail("a watch event of " + megabytes(size) + " is more than " + megabytes(frame_max_));
  };
  if (encoding_ == Encoding::Json) {
    const std::size_t end = rest.find('\n', searched_);
    if (end == std::string_view::npos) {
      searched_ = rest.size();
      if (rest.size() > frame_max_) return too_large(rest.size());
      return Cut{};
    }
    searched_ = 0;
    if (end > frame_max_) return too_large(end);
    return Cut{0, end, end + 1};
  }
  if (rest.size() < kLengthBytes) return Cut{};
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length = (length << 8U) | static_cast<std::uint8_t>(rest[i]);
  }
  if (length > frame_max_) return too_large(length);
  if (rest.size() - kLengthBytes < length) return Cut{};
  return Cut{kLengthBytes, kLengthBytes + length, kLengthBytes + length};
}

Result<void> FrameSplitter::feed(std::string_view bytes,
                                 const std::function<bool(std::string_view)>& each) {
  // Mostly whole frames come, and they need no copy.
  const bool was_pending = !pending_.empty();
  if (was_pending) pending_.append(bytes);
  std::string_view rest = was_pending ? std::string_view(pending_) : bytes;
  while (!rest.empty()) {
    auto frame = cut(rest);
    if (!frame) return fail(std::move(frame).error());
    if (frame->next == 0) break;
    const std::string_view inside = rest.substr(frame->begin, frame->end - frame->begin);
    rest.remove_prefix(frame->next);
    // An empty line between JSON events is nothing.
    if (inside.empty() && encoding_ == Encoding::Json) continue;
    if (!each(inside)) break;
  }
  pending_ = std::string(rest);
  return {};
}

}  // namespace outflow::kube
