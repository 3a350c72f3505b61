#include "aggregator/inventory/selector.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace outflow::inventory {
namespace {

constexpr std::size_t kNameMax = 63;     // of a label's name and of its value
constexpr std::size_t kPrefixMax = 253;  // of the DNS name before a key's slash

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_name_char(char c) {
  return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
}

// Kubernetes' rule for a label's name, and for a value that is not empty.
bool is_name(std::string_view text, std::size_t size_max = kNameMax) {
  return !text.empty() && text.size() <= size_max && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), is_name_char);
}

bool is_key(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_name(text);
  const std::string_view prefix = text.substr(0, slash);
  return is_name(prefix, kPrefixMax) && prefix.find('_') == std::string_view::npos &&
         is_name(text.substr(slash + 1));
}

bool is_value(std::string_view text) {
  return text.empty() || is_name(text);
}

}  // namespace

// Reads one text from left to right. Positions in errors count from 1.
class SelectorParser {
 public:
  explicit SelectorParser(std::string_view text) : text_(text) {}

  Result<LabelSelector> parse() {
    LabelSelector selector;
    skip_spaces();
    if (at_end()) return selector;
    for (;;) {
      auto requirement = requirement_here();
      if (!requirement) return fail(std::move(requirement).error());
      selector.requirements_.push_back(std::move(*requirement));
      skip_spaces();
      if (at_end()) return selector;
      if (!take(",")) return error("expected ',' or the end");
    }
  }

 private:
  using Requirement = LabelSelector::Requirement;
  using Operator = LabelSelector::Operator;

  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  void skip_spaces() {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  // Takes the token, and the spaces before it, if it comes next.
  bool take(std::string_view token) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  [[nodiscard]] tl::unexpected<Error> error(const std::string& what) const {
    return error_at(at_, what);
  }
  [[nodiscard]] tl::unexpected<Error> error_at(std::size_t at, const std::string& what) const {
    return fail("label selector '" + std::string(text_) + "', position " + std::to_string(at + 1) +
                ": " + what);
  }

  std::string word() {
    skip_spaces();
    const std::size_t start = at_;
    while (!at_end() && (is_name_char(text_[at_]) || text_[at_] == '/')) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  Result<void> value_into(Requirement& requirement) {
    std::string value = word();
    if (!is_value(value)) {
      return error_at(at_ - value.size(), "'" + value + "' can be no label's value");
    }
    requirement.values.push_back(std::move(value));
    return {};
  }

  Result<Requirement> requirement_here() {
    Requirement requirement;
    const bool absent = take("!");
    requirement.key = word();
    if (requirement.key.empty()) return error("expected a label's name");
    if (!is_key(requirement.key)) {
      return error_at(at_ - requirement.key.size(),
                      "'" + requirement.key + "' can be no label's name");
    }
    if (absent) {
      requirement.op = Operator::Absent;
      return requirement;
    }
    if (take("!=")) return with_value(std::move(requirement), Operator::NotEquals);
    if (take("==") || take("=")) return with_value(std::move(requirement), Operator::Equals);
    const std::string op = word();
    if (op.empty()) return requirement;  // the key alone: it must exist
    if (op != "in" && op != "notin") {
      return error_at(at_ - op.size(), "expected =, ==, !=, in or notin");
    }
    return with_set(std::move(requirement), op == "in" ? Operator::In : Operator::NotIn);
  }

  Result<Requirement> with_value(Requirement requirement, Operator op) {
    requirement.op = op;
    if (auto read = value_into(requirement); !read) return fail(std::move(read).error());
    return requirement;
  }

  // "()" is the set of the empty value, as in Kubernetes.
  Result<Requirement> with_set(Requirement requirement, Operator op) {
    requirement.op = op;
    if (!take("(")) return error("expected '('");
    do {
      if (auto read = value_into(requirement); !read) return fail(std::move(read).error());
    } while (take(","));
    if (!take(")")) return error("expected ',' or ')'");
    return requirement;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  return SelectorParser(text).parse();
}

bool LabelSelector::matches(const Labels& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& wanted) {
    const auto label = labels.find(wanted.key);
    const bool present = label != labels.end();
    const bool listed = present && std::find(wanted.values.begin(), wanted.values.end(),
                                             label->second) != wanted.values.end();
    switch (wanted.op) {
      case Operator::Exists:
        return present;
      case Operator::Absent:
        return !present;
      case Operator::Equals:
      case Operator::In:
        return listed;
      case Operator::NotEquals:
      case Operator::NotIn:
        return !listed;
    }
    return false;
  });
}

std::string LabelSelector::to_string() const {
  std::string text;
  for (const Requirement& requirement : requirements_) {
    if (!text.empty()) text += ',';
    std::string values;
    for (const std::string& value : requirement.values) {
      values += (&value == &requirement.values.front() ? "" : ",") + value;
    }
    switch (requirement.op) {
      case Operator::Exists:
        text += requirement.key;
        break;
      case Operator::Absent:
        text += "!" + requirement.key;
        break;
      case Operator::Equals:
        text += requirement.key + "=" + values;
        break;
      case Operator::NotEquals:
        text += requirement.key + "!=" + values;
        break;
      case Operator::In:
        text += requirement.key + " in (" + values + ")";
        break;
      case Operator::NotIn:
        text += requirement.key + " notin (" + values + ")";
        break;
    }
  }
  return text;
}

}  // namespace outflow::inventory
