// outflow: arguments in, an answer on stdout, an exit code out.
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "aggregator/cli/commands.h"
#include "aggregator/cli/exit.h"

int main(int argc, char** argv) {
  // Nothing half done needs tidying: files are renamed into place, the server sees the stream end.
  std::signal(SIGINT, [](int) { ::_exit(outflow::cli::kExitInterrupted); });
  std::ios::sync_with_stdio(false);
  const bool colorful = ::isatty(STDOUT_FILENO) == 1;
  return outflow::cli::run({argv + 1, argv + argc}, {std::cin, std::cout, std::cerr, colorful});
}
