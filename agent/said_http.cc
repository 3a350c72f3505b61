#include "agent/said_http.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/said_name.h"
#include "common/net/address.h"

namespace outflow::agent {
namespace {

constexpr std::size_t kPortDigitsMax = 5;

// The next line without its end, which RFC 9112 2.2 lets be a bare LF; nothing: it is not whole.
std::optional<std::string_view> next_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// method SP target SP HTTP/1.x
bool is_request_line(std::string_view line) {
  const std::size_t method = line.find(' ');
  const std::size_t version = line.rfind(' ');
  if (method == std::string_view::npos || method == 0 || version <= method + 1) return false;
  return std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(method),
                     [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; }) &&
         line.substr(version + 1).starts_with("HTTP/1.");
}

bool is_host_header(std::string_view name) {
  constexpr std::string_view kHost = "host";
  return std::equal(name.begin(), name.end(), kHost.begin(), kHost.end(),
                    [](char a, char b) { return (a | 0x20) == b; });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool is_port(std::string_view text) {
  return text.size() <= kPortDigitsMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// uri-host [ ":" port ] (RFC 9110 7.2); an empty one says that there is no name (RFC 9112 3.2).
Result<std::string> host_of(std::string_view value) {
  if (value.empty()) return std::string();
  if (value.front() == '[') {
    const std::size_t end = value.find(']');
    if (end == std::string_view::npos || !net::Address::parse(value.substr(1, end - 1))) {
      return fail("the Host is no address though it begins like one");
    }
    return std::string();
  }
  const std::size_t colon = value.find(':');
  if (colon != std::string_view::npos) {
    if (!is_port(value.substr(colon + 1))) return fail("the Host's port is no number");
    value = value.substr(0, colon);
  }
  auto name = said_host_name(value);
  if (!name) return fail("the Host is no host name");
  return *std::move(name);
}

}  // namespace

Result<std::string> read_request_host(std::span<const std::uint8_t> head) {
  std::string_view rest(reinterpret_cast<const char*>(head.data()),
                        std::min(head.size(), kRequestHeadMax));
  const auto first = next_line(rest);
  if (!first || !is_request_line(*first)) return fail("no request line of HTTP/1.x");
  std::optional<std::string_view> host;
  bool ended = false;
  while (const auto line = next_line(rest)) {
    if (line->empty()) {
      ended = true;
      break;
    }
    const std::size_t colon = line->find(':');
    // A line folded into the one before (RFC 9112 5.2) begins with a space: no name of a header.
    if (colon == std::string_view::npos || !is_host_header(line->substr(0, colon))) continue;
    if (host) return fail("two Hosts");
    host = trimmed(line->substr(colon + 1));
  }
  if (host) return host_of(*host);
  if (!ended) return fail("the head is cut before its Host");
  return std::string();
}

}  // namespace outflow::agent
