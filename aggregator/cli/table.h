// Plain aligned columns, as kubectl prints them: two spaces between, numbers to the right, no
// lines. Names come from clusters and packets: what could steer a terminal is shown escaped.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace outflow::cli {

// Control characters, direction overrides and broken UTF-8 become \xNN or \u{NNNN}.
[[nodiscard]] std::string printable(std::string_view text);

enum class Align { Left, Right };

struct Column {
  std::string title;
  Align align = Align::Left;
  bool wide = false;  // shown by -o wide only
};

// A word stays a word: the tone only repeats in colour what the text says.
enum class Tone { Plain, Good, Warn, Bad };

struct Cell {
  Cell(const char* cell_text) : text(cell_text) {}  // NOLINT(google-explicit-constructor)
  Cell(std::string cell_text)  // NOLINT(google-explicit-constructor): rows are lists of texts
      : text(std::move(cell_text)) {}
  Cell(std::string cell_text, Tone cell_tone) : text(std::move(cell_text)), tone(cell_tone) {}
  std::string text;
  Tone tone = Tone::Plain;
};

struct Look {
  bool wide = false;
  bool headers = true;
  bool color = false;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  // One cell a column, wide ones too (assert).
  void add(std::vector<Cell> cells);
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  [[nodiscard]] std::size_t columns() const { return columns_.size(); }

  // The rows added since the last call, the title row before the first of them; columns never get
  // narrower, so that a long answer can be printed in parts.
  [[nodiscard]] std::string take(const Look& look);

 private:
  [[nodiscard]] std::string line(const std::vector<Cell>& cells, const Look& look) const;

  std::vector<Column> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<Cell>> rows_;
  bool begun_ = false;
};

}  // namespace outflow::cli
