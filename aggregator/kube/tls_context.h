// What OpenSSL needs to reach the API server, from credentials. Only the TLS stream includes this.
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "aggregator/kube/access.h"
#include "common/result.h"

namespace outflow::kube {

struct FreeContext {
  void operator()(SSL_CTX* owned) const { SSL_CTX_free(owned); }
};
struct FreeSsl {
  void operator()(SSL* owned) const { SSL_free(owned); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Ssl = std::unique_ptr<SSL, FreeSsl>;

// A client's side on a connected, non-blocking socket, that checks the certificate for `name` (a
// DNS name or an IP address). Errors name the field of the kubeconfig that is wrong.
[[nodiscard]] Result<Ssl> client_side(const Credentials& credentials, const std::string& name,
                                      int socket);

// Why an operation on `ssl` failed with `result`; takes what OpenSSL has queued of errors.
[[nodiscard]] std::string text_of_failure(const SSL* ssl, int result);

}  // namespace outflow::kube
