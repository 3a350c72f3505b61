#include "aggregator/inventory/json_value.h"

#include <algorithm>

namespace outflow::inventory {
namespace {

using simdjson::dom::array;
using simdjson::dom::object;

std::string below(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

constexpr std::size_t kShownMax = 200;

}  // namespace

std::string printable(std::string_view text) {
  std::string shown(text.substr(0, kShownMax));
  std::replace_if(
      shown.begin(), shown.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  if (text.size() > kShownMax) shown += "...";
  return shown;
}

JsonValue JsonValue::operator[](std::string_view key) const {
  JsonValue child(below(path_, key), *complaint_);
  if (!element_) return child;
  object members;
  if (element_->get(members) != simdjson::SUCCESS) {
    complain("is no object");
    return child;
  }
  simdjson::dom::element found;
  if (members.at_key(key).get(found) == simdjson::SUCCESS && !found.is_null()) {
    child.element_ = found;
  }
  return child;
}

std::vector<JsonValue> JsonValue::items() const {
  std::vector<JsonValue> all;
  if (!element_) return all;
  array elements;
  if (element_->get(elements) != simdjson::SUCCESS) {
    complain("is no list");
    return all;
  }
  for (const auto element : elements) {
    all.emplace_back(element, path_ + "[" + std::to_string(all.size()) + "]", *complaint_);
  }
  return all;
}

std::vector<JsonValue::Member> JsonValue::members() const {
  std::vector<Member> all;
  if (!element_) return all;
  object fields;
  if (element_->get(fields) != simdjson::SUCCESS) {
    complain("is no object");
    return all;
  }
  for (const auto field : fields) {
    const std::string key(field.key);
    all.push_back({key, JsonValue(field.value, below(path_, key), *complaint_)});
  }
  return all;
}

std::string JsonValue::text() const {
  if (!element_) return "";
  std::string_view text;
  if (element_->get(text) == simdjson::SUCCESS) return std::string(text);
  complain("is no text");
  return "";
}

std::uint16_t JsonValue::port() const {
  if (!element_) return 0;
  std::uint64_t number = 0;
  if (element_->get(number) == simdjson::SUCCESS && number <= 65'535) {
    return static_cast<std::uint16_t>(number);
  }
  complain("is no port (0..65535)");
  return 0;
}

bool JsonValue::flag() const {
  if (!element_) return false;
  bool flag = false;
  if (element_->get(flag) == simdjson::SUCCESS) return flag;
  complain("is neither true nor false");
  return false;
}

std::optional<double> JsonValue::number() const {
  if (!element_) return std::nullopt;
  double number = 0;
  if (element_->get(number) == simdjson::SUCCESS) return number;
  complain("is no number");
  return std::nullopt;
}

std::string JsonValue::number_or_text() const {
  std::uint64_t number = 0;
  if (element_ && element_->get(number) == simdjson::SUCCESS) return std::to_string(number);
  return text();
}

}  // namespace outflow::inventory
