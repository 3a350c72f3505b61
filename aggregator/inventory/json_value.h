// A JSON value together with where it stands, so that every complaint can name its place. The first
// complaint is kept, later ones are echoes of it.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace outflow::inventory {

// The text as an error may show it: cut to what a log line bears, control characters replaced.
[[nodiscard]] std::string printable(std::string_view text);

class Complaint {
 public:
  void note(const std::string& path, const std::string& what) {
    if (text_.empty()) text_ = printable(path.empty() ? what : path + ": " + what);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Absent and null are the same: Kubernetes leaves out what is empty.
class JsonValue {
 public:
  JsonValue(simdjson::dom::element element, std::string path, Complaint& complaint)
      : element_(element), path_(std::move(path)), complaint_(&complaint) {
    if (element.is_null()) element_.reset();
  }

  [[nodiscard]] bool present() const { return element_.has_value(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  void complain(const std::string& what) const { complaint_->note(path_, what); }

  [[nodiscard]] bool is_list() const { return element_ && element_->is_array(); }
  [[nodiscard]] bool is_text() const { return element_ && element_->is_string(); }

  // A member of an object; absent of anything absent. Of a value that is no object: complains.
  [[nodiscard]] JsonValue operator[](std::string_view key) const;
  // The elements of an array; none of anything absent.
  [[nodiscard]] std::vector<JsonValue> items() const;
  struct Member;
  [[nodiscard]] std::vector<Member> members() const;

  // "" or 0 or false when absent; complains about another type or range.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] bool flag() const;
  // None when absent; complains about what is no number.
  [[nodiscard]] std::optional<double> number() const;
  // A number or a text, as targetPort may be.
  [[nodiscard]] std::string number_or_text() const;

 private:
  JsonValue(std::string path, Complaint& complaint)
      : path_(std::move(path)), complaint_(&complaint) {}

  std::optional<simdjson::dom::element> element_;
  std::string path_;
  Complaint* complaint_;
};

struct JsonValue::Member {
  std::string key;
  JsonValue value;
};

}  // namespace outflow::inventory
