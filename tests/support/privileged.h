// For tests that need root: without it they say SKIP and exit 77, which ctest shows as skipped;
// with OUTFLOW_REQUIRE_PRIVILEGED=1 in the environment they fail instead, because a green run that
// ran nothing is worse than a red one.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/support/catch.h"

namespace outflow::test {

inline void require_root() {
  if (geteuid() == 0) return;
  const char* required =
      std::getenv("OUTFLOW_REQUIRE_PRIVILEGED");  // NOLINT(concurrency-mt-unsafe)
  if (required != nullptr && std::string_view(required) == "1") {
    FAIL("this test needs root, and OUTFLOW_REQUIRE_PRIVILEGED=1");
  }
  std::puts("SKIP: needs root");
  std::fflush(stdout);
  std::_Exit(77);
}

}  // namespace outflow::test
