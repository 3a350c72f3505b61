#include "agent/said_name.h"

#include <algorithm>

#include "common/names.h"
#include "common/net/address.h"

namespace outflow::agent {
namespace {

constexpr std::size_t kLabelMax = 63;

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLabelMax &&
         std::all_of(label.begin(), label.end(), is_host_character);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::optional<std::string> said_host_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kDnsNameMax) return std::nullopt;
  if (net::Address::parse(text)) return "";
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(), lower);
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    if (!is_label(std::string_view(name).substr(begin, end - begin))) return std::nullopt;
    begin = end + 1;
  }
  return name;
}

}  // namespace outflow::agent
