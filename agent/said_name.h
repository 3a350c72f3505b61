// What stands in a server name or a Host -> a name in our text form. Pure; for any bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace outflow::agent {

// Host names only: labels of 1 to 63 letters, digits, hyphens and underscores, 253 bytes in all
// (RFC 1035 2.3.4; underscores because resolvers and servers take them), in any case, with or
// without the final dot. Gives it in lower case without that dot; "" for an address of IPv4 or
// IPv6, which is no name; nothing for all else: no server could be meant by it.
[[nodiscard]] std::optional<std::string> said_host_name(std::string_view text);

}  // namespace outflow::agent
