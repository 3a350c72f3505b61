// An answer as a document for programs: JSON, YAML or CSV, straight from the message's fields, so
// that the .proto is the one place where a key is named.
//
// Keys are the proto's snake_case names in its order, `items` last; counters are numbers, and zero,
// false and empty fields are present. An answer in parts is written as it comes: the head of the
// first part, then the items of all; nothing is held.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include <google/protobuf/message.h>

namespace outflow::cli {

class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;
  virtual void add(const google::protobuf::Message& part) = 0;
  // After the last part; there was at least one.
  virtual void finish() = 0;
};

// {"apiVersion": "outflow.dev/v1", "kind": `kind`, "context": {...}, ..., "items": [...]}
[[nodiscard]] std::unique_ptr<AnswerWriter> make_json_writer(std::ostream& out, std::string kind);

// The same tree; a string that a reader could take for something else is quoted.
[[nodiscard]] std::unique_ptr<AnswerWriter> make_yaml_writer(std::ostream& out, std::string kind);

// RFC 4180: a header row, CRLF, one row an item. Nested fields are flattened
// ("horizon_valid_days"), lists joined by ';', reasons with counts written "reason=count".
[[nodiscard]] std::unique_ptr<AnswerWriter> make_csv_writer(std::ostream& out, bool header);

// A field as RFC 4180 has it: quoted when it holds a comma, a quote or a line break.
[[nodiscard]] std::string csv_field(std::string_view text);

inline constexpr std::string_view kApiVersion = "outflow.dev/v1";
inline constexpr std::string_view kItems = "items";

}  // namespace outflow::cli
