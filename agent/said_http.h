// The head of an HTTP/1.x request (RFC 9112) -> the name in its Host. Pure; for any bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "common/result.h"

namespace outflow::agent {

// Of at most so many bytes; no server takes a head of which the Host is behind them.
inline constexpr std::size_t kRequestHeadMax = 8192;

// In our text form, without a port; "" when the Host is an address or there is none, though all of
// the head is there. `head` may be cut behind the Host, or go on with a body. An Error: it is no
// request, has more than one Host, or ends before one.
[[nodiscard]] Result<std::string> read_request_host(std::span<const std::uint8_t> head);

}  // namespace outflow::agent
