#include "common/redact.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "common/net/address.h"
#include "common/net/prefix.h"

namespace outflow::log {
namespace {

constexpr const char* kHidden = "[external]";

bool g_redacts = false;  // NOLINT(*-non-const-global-variables): set once, before any thread

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_hex_or_colon(char c) {
  return c == ':' || std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

bool stays(const net::Address& address) {
  static const auto kLocal = [] {
    std::array<std::optional<net::Prefix>, 9> local;
    constexpr std::array<const char*, 9> kTexts = {
        "10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
        "169.254.0.0/16", "fc00::/7",      "fe80::/10",      "::/127"};
    for (std::size_t i = 0; i < local.size(); ++i) {
      if (const auto parsed = net::Prefix::parse(kTexts[i])) local[i] = *parsed;
    }
    return local;
  }();
  return std::any_of(kLocal.begin(), kLocal.end(), [&address](const auto& prefix) {
    return prefix && prefix->contains(address);
  });
}

// The length of an address at the start of `text`: 0 when there is none, or one that stays.
std::size_t external_at(std::string_view text, bool v6) {
  std::size_t length = 0;
  const auto belongs = [v6](char c) { return c == '.' || (v6 ? is_hex_or_colon(c) : is_digit(c)); };
  while (length < text.size() && belongs(text[length])) ++length;
  if (length < text.size() && std::isalnum(static_cast<unsigned char>(text[length])) != 0) return 0;
  // A sentence's full stop or a colon after it is none of the address's.
  for (; length > 0; --length) {
    const auto address = net::Address::parse(text.substr(0, length));
    if (address && address->is_v4() != v6) return stays(*address) ? 0 : length;
    if (text[length - 1] != '.' && text[length - 1] != ':') break;
  }
  return 0;
}

// An address begins where what is before it cannot be part of it. gRPC writes brackets as %5B.
bool may_begin(std::string_view text, std::size_t at, bool v6) {
  if (at == 0) return true;
  if (at >= 3 && text.substr(at - 3, 3) == "%5B") return true;
  const char before = text[at - 1];
  return v6 ? !is_hex_or_colon(before) : !is_digit(before) && before != '.';
}

}  // namespace

void set_redact_external(bool on) {
  g_redacts = on;
}
bool redacts_external() {
  return g_redacts;
}

std::string external(std::string name) {
  return g_redacts ? kHidden : std::move(name);
}

std::string hide_external_addresses(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 0;
    if (is_digit(text[at]) && may_begin(text, at, false)) {
      length = external_at(text.substr(at), false);
    }
    if (length == 0 && is_hex_or_colon(text[at]) && may_begin(text, at, true)) {
      length = external_at(text.substr(at), true);
    }
    out += length > 0 ? std::string_view(kHidden) : text.substr(at, 1);
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

}  // namespace outflow::log
