#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include <yaml-cpp/yaml.h>

#include "aggregator/cli/tree.h"
#include "aggregator/cli/writer.h"

namespace outflow::cli {
namespace {

// Words that some version of YAML reads as a boolean, a null or a number.
constexpr std::array<std::string_view, 14> kWords{"true", "false", "yes",      "no",   "on",
                                                  "off",  "y",     "n",        "null", "nan",
                                                  "inf",  "nil",   "infinity", "none"};

// Plain only when it starts with a letter or a slash, has no character YAML gives a meaning, and is
// none of the words above.
bool is_plain(const std::string& text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto safe = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') ||
           std::string_view("_./-").find(c) != std::string_view::npos;
  };
  if (text.empty() || !(letter(text.front()) || text.front() == '/')) return false;
  if (!std::all_of(text.begin(), text.end(), safe)) return false;
  std::string lower;
  for (const char c : text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

void emit(YAML::Emitter& out, const Tree& tree) {
  if (tree.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, value] : tree.items()) {
      out << YAML::Key << key << YAML::Value;
      emit(out, value);
    }
    out << YAML::EndMap;
  } else if (tree.is_array()) {
    if (tree.empty()) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const auto& value : tree) emit(out, value);
    out << YAML::EndSeq;
  } else if (tree.is_string()) {
    const auto& text = tree.get_ref<const std::string&>();
    if (!is_plain(text)) out << YAML::DoubleQuoted;
    out << text;
  } else {
    out << tree.dump();  // a number or a boolean: JSON's spelling is YAML's
  }
}

class YamlWriter final : public AnswerWriter {
 public:
  YamlWriter(std::ostream& out, std::string kind) : out_(out), kind_(std::move(kind)) {}

  void add(const google::protobuf::Message& part) override {
    if (!std::exchange(begun_, true)) {
      YAML::Emitter head;
      emit(head, head_of(part, kind_));
      out_ << head.c_str() << "\n" << kItems << ":";
    }
    const Tree items = items_of(part);
    if (items.empty()) return;
    YAML::Emitter list;
    emit(list, items);
    out_ << "\n" << list.c_str();
    some_ = true;
  }

  void finish() override { out_ << (some_ ? "\n" : " []\n"); }

 private:
  std::ostream& out_;
  std::string kind_;
  bool begun_ = false;
  bool some_ = false;
};

}  // namespace

std::unique_ptr<AnswerWriter> make_yaml_writer(std::ostream& out, std::string kind) {
  return std::make_unique<YamlWriter>(out, std::move(kind));
}

}  // namespace outflow::cli
