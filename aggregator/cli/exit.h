// How `outflow` ends: the exit codes scripts rely on, and an error that knows its own.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace outflow::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitDifferences = 1,    // `new --fail-on-new` found something
  kExitError = 2,          // usage or runtime
  kExitFailed = 3,         // `doctor`: a check failed
  kExitInsufficient = 4,   // not enough evidence; not the same as failed
  kExitPartial = 5,        // a node has no agent, for coverage also gaps; the answer says which
  kExitTimeout = 124,      // as timeout(1)
  kExitInterrupted = 130,  // ^C
};

struct Failure {
  int code = kExitError;
  std::string message;
};

template <class T>
using Outcome = tl::expected<T, Failure>;

[[nodiscard]] inline tl::unexpected<Failure> give_up(std::string message, int code = kExitError) {
  return tl::unexpected<Failure>(Failure{code, std::move(message)});
}

}  // namespace outflow::cli
