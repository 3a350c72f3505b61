// What may be shown as a bearer token: to us by a user or an agent, and by them to us.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.h"

namespace outflow {

inline constexpr std::size_t kTokenBytesMax = 16U << 10U;  // several times a service account's

// A token is bytes 0x21..0x7e, at most kTokenBytesMax (RFC 6750, 2.1 is narrower; gRPC aborts on
// metadata that holds a control character).
[[nodiscard]] bool is_token(std::string_view token);

// The token a file holds, without what stands behind it: white space, a line's end.
[[nodiscard]] Result<std::string> read_token(const std::string& path);

}  // namespace outflow
