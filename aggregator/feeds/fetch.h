// A list from a URL: https, or http from a loopback address; no credentials are sent. Bounded: 64
// MiB, two minutes, five redirects (never to plaintext), 10 s to connect, and one that stands still
// for 30 s is given up.
#pragma once

#include <stop_token>
#include <string>

#include "common/result.h"

namespace outflow::feeds {

inline constexpr std::size_t kFeedBytesMax = std::size_t{64} << 20U;

// An Error that says why the URL is none we fetch.
[[nodiscard]] Result<void> check_url(const std::string& url);

struct Fetched {
  bool unchanged = false;  // the server says it is still what has `etag` (RFC 9110 13.1.2)
  std::string body;
  std::string etag;  // "" when the server gave none
};

// Blocks; a stop is noticed within a second. Any number may run at once. `etag` is that of what is
// known, or "".
[[nodiscard]] Result<Fetched> fetch(const std::string& url, const std::string& etag,
                                    const std::stop_token& stop);

}  // namespace outflow::feeds
