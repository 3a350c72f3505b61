// Whatever an API server sends, as protobuf or as JSON, of any kind: objects with a name, or an
// error of one line; and a stream is cut into the same frames wherever it is split. The first byte
// chooses kind, encoding and split.
#include <cassert>
#include <string>
#include <vector>

#include "aggregator/kube/decode.h"

using namespace outflow::kube;

namespace {

void check(const Item& item) {
  assert(item.object.has_value() != !item.problem.empty());
  assert(item.problem.find('\n') == std::string::npos);
  if (item.object) assert(!outflow::inventory::key_of(*item.object).name.empty());
}

std::vector<std::string> frames_of(Encoding encoding, std::string_view bytes, std::size_t step) {
  std::vector<std::string> frames;
  FrameSplitter splitter(encoding, 1U << 12U);
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto fed = splitter.feed(bytes.substr(at, step), [&](std::string_view frame) {
      frames.emplace_back(frame);
      return true;
    });
    if (!fed) break;
  }
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Kind kind = kAllKinds[(data[0] & 31U) % kAllKinds.size()];
  const bool crd = (data[0] & 128U) != 0;
  for (const Encoding encoding : {Encoding::Protobuf, Encoding::Json}) {
    const Source source{kind, encoding, crd};
    const auto list = decode_list(source, bytes, check);
    if (!list) assert(!list.error().what.empty());
    const auto whole = frames_of(encoding, bytes, bytes.size() + 1);
    assert(whole == frames_of(encoding, bytes, 1 + ((data[0] >> 5U) & 3U)));
    for (const std::string& frame : whole) {
      const auto event = decode_event(source, frame);
      if (!event || event->type == EventType::Bookmark || event->type == EventType::Error) continue;
      check(event->item);
    }
    static_cast<void>(decode_event(source, bytes));
  }
  const Status status = decode_status(bytes, 500);
  assert(status.message.find('\n') == std::string::npos);
  return 0;
}
