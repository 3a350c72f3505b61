#include <utility>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include "aggregator/cli/tree.h"
#include "aggregator/cli/writer.h"

namespace outflow::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

void add_row(std::string& row, const std::string& field) {
  if (!row.empty()) row += ',';
  row += field;
}

void add_names(const Descriptor& descriptor, const std::string& prefix, std::string& row) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const bool nested = field.message_type() != nullptr && !field.is_repeated();
    if (nested) {
      add_names(*field.message_type(), prefix + field.name() + "_", row);
    } else {
      add_row(row, prefix + field.name());
    }
  }
}

// A value inside a list: text, or a reason with its count.
std::string element(const Tree& tree) {
  if (tree.is_string()) return tree.get<std::string>();
  if (!tree.is_object()) return tree.dump();
  std::string text;
  for (const auto& [key, value] : tree.items()) text += (text.empty() ? "" : "=") + element(value);
  return text;
}

void add_values(const Tree& tree, std::string& row) {
  for (const auto& [key, value] : tree.items()) {
    if (value.is_object()) {
      add_values(value, row);
      continue;
    }
    std::string text;
    if (value.is_array()) {
      for (const auto& one : value) text += (text.empty() ? "" : ";") + element(one);
    } else {
      text = value.is_string() ? value.get<std::string>() : value.dump();
    }
    // An empty first field must still end in a comma.
    row += csv_field(text) + ',';
  }
}

class CsvWriter final : public AnswerWriter {
 public:
  CsvWriter(std::ostream& out, bool header) : out_(out), header_(header) {}

  void add(const google::protobuf::Message& part) override {
    if (std::exchange(header_, false)) {
      const auto* const items = part.GetDescriptor()->FindFieldByName(std::string(kItems));
      std::string names;
      if (items->message_type() != nullptr) {
        add_names(*items->message_type(), "", names);
      } else {
        names = items->name();
      }
      out_ << names << "\r\n";
    }
    for (const auto& item : items_of(part)) {
      std::string row;
      if (item.is_object()) {
        add_values(item, row);
        row.pop_back();
      } else {
        row = csv_field(element(item));
      }
      out_ << row << "\r\n";
    }
  }

  void finish() override {}

 private:
  std::ostream& out_;
  bool header_;
};

}  // namespace

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::unique_ptr<AnswerWriter> make_csv_writer(std::ostream& out, bool header) {
  return std::make_unique<CsvWriter>(out, header);
}

}  // namespace outflow::cli
