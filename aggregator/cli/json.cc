#include <utility>

#include "aggregator/cli/tree.h"
#include "aggregator/cli/writer.h"

namespace outflow::cli {
namespace {

constexpr int kIndent = 2;

// JSON strings hold no raw line break, so every one is the layout's.
std::string dump(const Tree& tree, std::size_t depth) {
  const std::string text = tree.dump(kIndent, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string indented;
  for (const char c : text) {
    indented += c;
    if (c == '\n') indented.append(depth * kIndent, ' ');
  }
  return indented;
}

class JsonWriter final : public AnswerWriter {
 public:
  JsonWriter(std::ostream& out, std::string kind) : out_(out), kind_(std::move(kind)) {}

  void add(const google::protobuf::Message& part) override {
    if (!std::exchange(begun_, true)) {
      std::string head = dump(head_of(part, kind_), 0);
      head.erase(head.rfind("\n}"));
      out_ << head << ",\n  \"" << kItems << "\": [";
    }
    for (const auto& item : items_of(part)) {
      out_ << (std::exchange(some_, true) ? ",\n    " : "\n    ") << dump(item, 2);
    }
  }

  void finish() override { out_ << (some_ ? "\n  ]\n}\n" : "]\n}\n"); }

 private:
  std::ostream& out_;
  std::string kind_;
  bool begun_ = false;
  bool some_ = false;
};

}  // namespace

std::unique_ptr<AnswerWriter> make_json_writer(std::ostream& out, std::string kind) {
  return std::make_unique<JsonWriter>(out, std::move(kind));
}

}  // namespace outflow::cli
