#include "aggregator/analysis/suffix.h"

#include <libpsl.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "common/clock.h"
#include "common/names.h"
#include "common/text.h"

namespace outflow::analysis {
namespace {

// Made by suffix_parents.sh when we are built.
constexpr auto kSuffixParents = std::to_array<std::string_view>({
#include "suffix_parents.inc"
});

bool has_empty_label(std::string_view name) {
  return name.empty() || name.front() == '.' || name.back() == '.' ||
         name.find("..") != std::string_view::npos;
}

// No top-level domain is a number (RFC 3696 2): it is an address, or no name.
bool ends_in_number(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string registrable_domain(std::string_view name) {
  if (has_empty_label(name) || !is_dns_name_text(name) || ends_in_number(name)) return "";
  const std::string text(name);
  // The context is the library's own and constant: any number of threads may ask.
  const char* const found = psl_registrable_domain(psl_builtin(), text.c_str());
  return found == nullptr ? "" : found;
}

bool has_suffixes_below(std::string_view name) {
  return std::binary_search(kSuffixParents.begin(), kSuffixParents.end(), name);
}

bool is_one_owners(std::string_view name) {
  return !registrable_domain(name).empty() && !has_suffixes_below(name);
}

std::string suffix_list_text() {
  const auto made = TimePoint() + std::chrono::seconds(psl_builtin_file_time());
  return "public suffix list of " + to_text(day_of(made));
}

}  // namespace outflow::analysis
