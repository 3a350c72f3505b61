#include "aggregator/kube/fields.h"

namespace outflow::kube {
namespace {

// Wire types: protobuf encoding, "Message Structure". Groups (3, 4) are in no Kubernetes type.
constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kFixed64 = 1;
constexpr std::uint32_t kDelimited = 2;
constexpr std::uint32_t kFixed32 = 5;

}  // namespace

bool Fields::next() {
  if (broken_) return false;
  const std::uint32_t tag = in_.ReadTag();
  if (tag == 0) {
    broken_ = !in_.ConsumedEntireMessage();
    return false;
  }
  number_ = tag >> 3U;
  wire_type_ = tag & 7U;
  broken_ = number_ == 0 || !read_value(wire_type_);
  return !broken_;
}

bool Fields::read_value(std::uint32_t wire_type) {
  switch (wire_type) {
    case kVarint:
      return in_.ReadVarint64(&varint_);
    case kFixed64:
      return in_.Skip(8);
    case kFixed32:
      return in_.Skip(4);
    case kDelimited: {
      std::uint32_t length = 0;
      if (!in_.ReadVarint32(&length)) return false;
      const auto at = static_cast<std::size_t>(in_.CurrentPosition());
      if (length > message_.size() - at) return false;
      bytes_ = message_.substr(at, length);
      return in_.Skip(static_cast<int>(length));
    }
    default:
      return false;
  }
}

std::string_view Fields::bytes() {
  if (wire_type_ == kDelimited) return bytes_;
  broken_ = true;
  return {};
}

std::uint64_t Fields::varint() {
  if (wire_type_ == kVarint) return varint_;
  broken_ = true;
  return 0;
}

}  // namespace outflow::kube
