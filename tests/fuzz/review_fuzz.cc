// Any bytes as the API server's answer to a review, and as a token: an error that says why, or an
// answer within its bounds.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "aggregator/access/review.h"

using namespace outflow::access;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the fuzzer's bytes as text
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto user = read_token_review({201, text}, "outflow-aggregator");
  if (!user) assert(!user.error().what.empty());
  if (user && *user) assert(!(*user)->name.empty() && (*user)->groups.size() <= kGroupsMax);
  const auto refused = read_access_review({403, text});
  assert(!refused && !refused.error().what.empty());
  const auto allowed = read_access_review({201, text});
  if (!allowed) assert(!allowed.error().what.empty());
  static_cast<void>(token_end(text));
  const auto asked = access_review(text, {text}, {"get", "", "namespaces", text, text});
  // What we write is read back by the same parser: nothing left its place.
  if (asked)
    assert(read_access_review({201, *asked}).error().what.find("status") != std::string::npos);
  return 0;
}
