// Whether labels of names were made by a machine: there will be others. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace outflow::analysis {

// How many of the labels look so: 8 or more hexadecimal characters with a digit among them, a UUID,
// one of at least two that differ in their digits alone ("pool1-eu", "pool2-eu"), or at least
// kRandomMin characters of more than kRandomBits bits each. The last holds for words of nine
// different letters as well ("workspace"), so a label of letters is only random when hardly a
// vowel is among them.
[[nodiscard]] std::size_t machine_made(std::span<const std::string> labels);
inline constexpr std::size_t kRandomMin = 8;
inline constexpr double kRandomBits = 3.0;

// Shannon's entropy of its characters, in bits a character; 0 for "".
[[nodiscard]] double bits_per_character(std::string_view text);

}  // namespace outflow::analysis
