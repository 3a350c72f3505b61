// How this room asks the API server: one JSON document is posted, one comes back. Blocking, bounded
// in time by whoever provides it, and thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace outflow::access {

struct Reply {
  int status = 0;  // of HTTP
  std::string body;
};
// An Error: no answer came. `path` begins with "/apis/".
using Ask = std::function<Result<Reply>(std::string_view path, std::string_view json_body)>;

inline constexpr std::string_view kTokenReviewPath = "/apis/authentication.k8s.io/v1/tokenreviews";
inline constexpr std::string_view kAccessReviewPath =
    "/apis/authorization.k8s.io/v1/subjectaccessreviews";

}  // namespace outflow::access
