#include "aggregator/cli/table.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

namespace outflow::cli {
namespace {

// One code point of UTF-8 at the front; length 0 when the bytes are none.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};

CodePoint code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (length == 0 || text.size() < length) return {};
  std::uint32_t value = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return {};
    value = (value << 6U) | (byte(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || (value >= 0xd800 && value < 0xe000) || value > 0x10ffff) return {};
  return {value, length};
}

// What moves the cursor, starts an escape sequence, breaks the line or turns the reading direction.
bool steers(std::uint32_t value) {
  struct Range {
    std::uint32_t first;
    std::uint32_t last;
  };
  static constexpr Range kRanges[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c},
                                      {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x2069},
                                      {0xfeff, 0xfeff}, {0xfff9, 0xfffb}};
  return std::any_of(std::begin(kRanges), std::end(kRanges), [value](const Range& range) {
    return value >= range.first && value <= range.last;
  });
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::string_view color_of(Tone tone) {
  switch (tone) {
    case Tone::Good:
      return "\x1b[32m";
    case Tone::Warn:
      return "\x1b[33m";
    case Tone::Bad:
      return "\x1b[31m";
    case Tone::Plain:
      break;
  }
  return "";
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = code_point(text);
    const std::size_t length = std::max<std::size_t>(point.length, 1);
    if (point.length == 0) {
      shown += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text.front()));
    } else if (!steers(point.value)) {
      shown += text.substr(0, length);
    } else if (point.value < 0x80) {
      shown += fmt::format("\\x{:02x}", point.value);
    } else {
      shown += fmt::format("\\u{{{:04x}}}", point.value);
    }
    text.remove_prefix(length);
  }
  return shown;
}

Table::Table(std::vector<Column> columns)
    : columns_(std::move(columns)), widths_(columns_.size()) {}

void Table::add(std::vector<Cell> cells) {
  assert(cells.size() == columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i].text = printable(cells[i].text);
    if (cells[i].text.empty()) cells[i].text = "-";
    widths_[i] = std::max(widths_[i], width_of(cells[i].text));
  }
  rows_.push_back(std::move(cells));
}

std::string Table::line(const std::vector<Cell>& cells, const Look& look) const {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (columns_[i].wide && !look.wide) continue;
    if (!text.empty()) text += "  ";
    const std::string padding(widths_[i] - std::min(widths_[i], width_of(cells[i].text)), ' ');
    if (columns_[i].align == Align::Right) text += padding;
    const std::string_view color = look.color ? color_of(cells[i].tone) : "";
    text += color;
    text += cells[i].text;
    if (!color.empty()) text += "\x1b[0m";
    if (columns_[i].align == Align::Left) text += padding;
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

std::string Table::take(const Look& look) {
  std::string text;
  if (!std::exchange(begun_, true) && look.headers) {
    std::vector<Cell> titles;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      widths_[i] = std::max(widths_[i], columns_[i].title.size());
      titles.emplace_back(columns_[i].title);
    }
    text += line(titles, look);
  }
  for (const auto& row : rows_) text += line(row, look);
  rows_.clear();
  return text;
}

}  // namespace outflow::cli
