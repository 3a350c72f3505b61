#include "aggregator/analysis/label.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace outflow::analysis {
namespace {

constexpr std::size_t kHexMin = 8;
constexpr std::size_t kVowelsPerLetters = 5;  // fewer than one in five: no word of a language

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool has_digit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_digit);
}

bool is_hexadecimal(std::string_view label) {
  return label.size() >= kHexMin && has_digit(label) &&
         std::all_of(label.begin(), label.end(), is_hex);
}

// 8-4-4-4-12 (RFC 4122 3).
bool is_uuid(std::string_view label) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::equal(label.begin(), label.end(), kForm.begin(), kForm.end(),
                    [](char c, char form) { return form == 'x' ? is_hex(c) : c == form; });
}

bool is_random(std::string_view label) {
  if (label.size() < kRandomMin || bits_per_character(label) <= kRandomBits) return false;
  if (has_digit(label)) return true;
  const auto vowels =
      static_cast<std::size_t>(std::count_if(label.begin(), label.end(), [](char c) {
        return std::string_view("aeiouy").find(c) != std::string_view::npos;
      }));
  return vowels * kVowelsPerLetters < label.size();
}

// Every run of digits as one '#'.
std::string template_of(std::string_view label) {
  std::string text;
  for (const char c : label) {
    if (!is_digit(c)) {
      text += c;
    } else if (text.empty() || text.back() != '#') {
      text += '#';
    }
  }
  return text;
}

}  // namespace

double bits_per_character(std::string_view text) {
  std::array<std::size_t, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const std::size_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

std::size_t machine_made(std::span<const std::string> labels) {
  std::map<std::string, std::size_t> families;
  for (const std::string& label : labels) {
    if (has_digit(label)) ++families[template_of(label)];
  }
  return static_cast<std::size_t>(
      std::count_if(labels.begin(), labels.end(), [&](const std::string& label) {
        const bool in_family = has_digit(label) && families.at(template_of(label)) >= 2;
        return in_family || is_hexadecimal(label) || is_uuid(label) || is_random(label);
      }));
}

}  // namespace outflow::analysis
