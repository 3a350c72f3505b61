// One protobuf message, walked field by field without a generated class: what is not picked costs a
// skip. Reads nothing beyond its bytes; views live as long as they do.
#pragma once

#include <cstdint>
#include <string_view>

#include <google/protobuf/io/coded_stream.h>

namespace outflow::kube {

class Fields {
 public:
  explicit Fields(std::string_view message)
      : message_(message),
        in_(reinterpret_cast<const std::uint8_t*>(message.data()),
            static_cast<int>(message.size())) {}

  // False at the end, and for ever after a byte that no message has: then broken().
  [[nodiscard]] bool next();
  [[nodiscard]] bool broken() const { return broken_; }

  [[nodiscard]] std::uint32_t number() const { return number_; }
  // Of a text, bytes or a message. A field of another wire type makes the message broken.
  [[nodiscard]] std::string_view bytes();
  [[nodiscard]] std::uint64_t varint();  // also of a bool or an enum; likewise

 private:
  [[nodiscard]] bool read_value(std::uint32_t wire_type);

  std::string_view message_;
  google::protobuf::io::CodedInputStream in_;
  std::uint32_t number_ = 0;
  std::uint32_t wire_type_ = 0;
  std::uint64_t varint_ = 0;
  std::string_view bytes_;
  bool broken_ = false;
};

}  // namespace outflow::kube
