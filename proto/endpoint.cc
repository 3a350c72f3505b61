#include "proto/endpoint.h"

#include <charconv>

#include "common/net/address.h"
#include "common/net/prefix.h"

namespace outflow {
namespace {

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  const auto address = net::Address::parse(host);
  if (!address) return false;
  static const auto kV4 = net::Prefix::parse("127.0.0.0/8");
  static const auto kV6 = net::Prefix::parse("::1/128");
  return kV4->contains(*address) || kV6->contains(*address);
}

}  // namespace

Result<std::string> checked_endpoint(const std::string& text, bool protected_or_insecure,
                                     const std::string& flag) {
  if (text.starts_with("unix:")) {
    if (text.size() == 5) return fail(flag + ": 'unix:' needs a path");
    return text;
  }
  const std::size_t colon = text.rfind(':');
  unsigned port = 65536;
  if (colon != std::string::npos) {
    const char* const end = text.data() + text.size();
    const auto [read, error] = std::from_chars(text.data() + colon + 1, end, port);
    if (error != std::errc() || read != end) port = 65536;
  }
  std::string host = text.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return fail(flag + ": '" + text + "': write an IPv6 address in brackets, [::1]:7443");
  }
  if (port > 65535 || host.empty()) {
    return fail(flag + ": '" + text + "' is neither HOST:PORT nor unix:PATH");
  }
  if (!protected_or_insecure && !is_loopback(host)) {
    return fail(flag + ": '" + text +
                "' is not a loopback address; give --tls-ca, --tls-cert and --tls-key, or "
                "--insecure for plaintext");
  }
  return text;
}

namespace tls {

Result<void> check_client_flags(const Files& files) {
  if (files.certificate.empty() != files.key.empty()) {
    return fail(files.key.empty() ? "--tls-cert needs --tls-key" : "--tls-key needs --tls-cert");
  }
  if (files.given() && files.authorities.empty()) {
    return fail("--tls-cert needs --tls-ca: who signs the other end's certificate");
  }
  return {};
}

Result<void> check_server_flags(const Files& files) {
  if (auto checked = check_client_flags(files); !checked) return checked;
  if (files.given() && files.certificate.empty()) {
    return fail("--tls-ca needs --tls-cert and --tls-key: a server has to prove who it is");
  }
  return {};
}

}  // namespace tls
}  // namespace outflow
