// X.509 certificates and keys as PEM text: what they say, whether they belong together, and the
// request an agent sends to get one. The only code beside aggregator/access/signer that knows
// OpenSSL; everything here is a function of its input, but for make_request(), which draws a key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace outflow::tls {

// Larger inputs are refused unread: a chain of certificates is a few KiB.
inline constexpr std::size_t kPemBytesMax = 1U << 20U;
inline constexpr std::size_t kRequestBytesMax = 16U << 10U;

// What a certificate says about its subject. Names that hold bytes below 0x20, 0x7f or NUL are left
// out, so that no name can end in the middle or forge a log line.
struct Certificate {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> uris;  // URI subject alternative names
  TimePoint not_before{};
  TimePoint not_after{};
};

// The first certificate of a PEM text; what comes after it is not looked at.
[[nodiscard]] Result<Certificate> read_certificate(std::string_view pem);

// The certificate's public key is the key's. The Error says which of both is unreadable.
[[nodiscard]] Result<void> check_pair(std::string_view certificate_pem, std::string_view key_pem);

// At least one certificate, and nothing that is none between them.
[[nodiscard]] Result<void> check_authorities(std::string_view pem);

// A fresh P-256 key and a signing request for it (PKCS #10, RFC 2986), both PEM. The request names
// nobody: who asks is proven by other means, and the signer writes the names.
struct KeyAndRequest {
  std::string key_pem;
  std::string request_pem;
};
[[nodiscard]] Result<KeyAndRequest> make_request();

}  // namespace outflow::tls
