#include <string>

#include "aggregator/feeds/loaders.h"

namespace outflow::feeds {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Tells visit(line, its number from 1) of every line that is not blank and no comment. A byte order
// mark, as editors on Windows leave it, is none of the first line.
template <class Visit>
void each_line(std::string_view text, std::string_view comment, Visit visit) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string_view content = trimmed(line.substr(0, line.find_first_of(comment)));
    if (!content.empty()) visit(content, number);
  }
}

// Takes the next field of a line of comma separated values, without blanks and quotes around it.
std::string_view take_field(std::string_view& line) {
  const std::size_t comma = line.find(',');
  std::string_view field = trimmed(line.substr(0, comma));
  line.remove_prefix(comma == std::string_view::npos ? line.size() : comma + 1);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
    field = field.substr(1, field.size() - 2);
  }
  return field;
}

std::string place_of(std::size_t line) {
  return "line " + std::to_string(line);
}

}  // namespace

void read_cidr_list(Format format, std::string_view text, Draft& draft) {
  const RangeClass all = class_of(format, "", "");
  each_line(text, "#;", [&](std::string_view line, std::size_t number) {
    draft.add(line, all, place_of(number));
  });
}

// RFC 8805 2.1.1: ip_prefix,alpha2code,region,city,postal_code; only the first is required.
void read_geofeed(std::string_view text, Draft& draft) {
  each_line(text, "#", [&](std::string_view line, std::size_t number) {
    const std::string_view prefix = take_field(line);
    const std::string_view country = take_field(line);
    const std::string_view region = take_field(line);
    draft.add(prefix, class_of(Format::Geofeed, "", std::string(region.empty() ? country : region)),
              place_of(number));
  });
}

}  // namespace outflow::feeds
