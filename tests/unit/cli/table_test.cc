#include "aggregator/cli/table.h"

#include "tests/support/catch.h"

namespace outflow::cli {
namespace {

Table sample() {
  return Table({{"NAME"}, {"COUNT", Align::Right}, {"MORE", Align::Left, true}});
}

}  // namespace

TEST_CASE("columns are aligned, numbers to the right, and no line ends in blanks", "[table]") {
  Table table = sample();
  table.add({"web", "7", "x"});
  table.add({"recruiter", "1234567", "y"});

  CHECK(table.take({}) ==
        "NAME         COUNT\n"
        "web              7\n"
        "recruiter  1234567\n");
}

TEST_CASE("wide columns are for -o wide, titles for whoever wants them", "[table]") {
  Table table = sample();
  table.add({"web", "7", "x"});

  CHECK(table.take({.wide = true, .headers = false}) == "web  7  x\n");
}

TEST_CASE("an empty cell is a dash, so that words stay in their columns", "[table]") {
  Table table = sample();
  table.add({"", "7", ""});

  CHECK(table.take({.wide = true, .headers = false}) == "-  7  -\n");
}

TEST_CASE("the second part of a table has no titles and is not narrower", "[table]") {
  Table table = sample();
  table.add({"recruiter", "1", ""});
  static_cast<void>(table.take({}));
  table.add({"web", "7", ""});

  CHECK(table.take({}) == "web            7\n");
}

TEST_CASE("colour repeats the text's state and counts for no width", "[table]") {
  Table table({{"STATE"}, {"N", Align::Right}});
  table.add({{"late", Tone::Warn}, "1"});
  table.add({"reporting", "2"});

  CHECK(table.take({.headers = false, .color = true}) ==
        "\x1b[33mlate\x1b[0m       1\nreporting  2\n");
}

TEST_CASE("nothing in a name can steer the terminal", "[table]") {
  CHECK(printable("\x1b[2J") == "\\x1b[2J");
  CHECK(printable("a\nb\tc\rd\x7f") == "a\\x0ab\\x09c\\x0dd\\x7f");
  CHECK(printable("\xc2\x9b") == "\\u{009b}");  // CSI in one byte of Latin-1
  CHECK(printable("\xe2\x80\xae"
                  "x") == "\\u{202e}x");                  // right-to-left override
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");           // not UTF-8
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");           // overlong
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(printable("caf\xc3\xa9 \xe2\x82\xac") == "caf\xc3\xa9 \xe2\x82\xac");
}

}  // namespace outflow::cli
