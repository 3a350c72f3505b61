// The program `outflow`: reads its arguments, asks the aggregator, prints, and says how it went.
// Data goes to `out` and nothing else does; hints and errors go to `err`.
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <vector>

namespace outflow::cli {

struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool colorful = false;  // `out` is a terminal
};

// Arguments without the program's name. Gives an ExitCode.
[[nodiscard]] int run(const std::vector<std::string>& arguments, const Terminal& terminal);

}  // namespace outflow::cli
