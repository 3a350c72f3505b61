// Where the two ends of gRPC meet, and with which files they prove who they are: TLS where files
// are given; without them plaintext, to loopback addresses and Unix sockets only, unless the user
// says
// --insecure. Unix sockets are always plaintext: the kernel knows who opens them.
#pragma once

#include <string>

#include "common/result.h"

namespace outflow {

// "HOST:PORT" (IPv6 in brackets) or "unix:PATH", ready for gRPC. An address that is not loopback is
// refused unless `protected_or_insecure`: flows and policies in plaintext are for nobody else's
// eyes. A host name other than "localhost" counts as not loopback. `flag` is named in the error.
[[nodiscard]] Result<std::string> checked_endpoint(const std::string& text,
                                                   bool protected_or_insecure,
                                                   const std::string& flag);

namespace tls {

// Paths of PEM files; "" = not given.
struct Files {
  std::string certificate;  // the chain, ours first
  std::string key;
  std::string authorities;  // whom we believe
  // The same as text instead of a file, for who found it elsewhere.
  std::string authorities_text = {};

  [[nodiscard]] bool given() const {
    return !certificate.empty() || !key.empty() || !authorities.empty() ||
           !authorities_text.empty();
  }
};

// A server needs all three; a client the authorities, and certificate and key both or none. None at
// all is plaintext. The Error names the flag that is missing.
[[nodiscard]] Result<void> check_server_flags(const Files& files);
[[nodiscard]] Result<void> check_client_flags(const Files& files);

// Whether a connection to `endpoint` is TLS.
[[nodiscard]] inline bool is_used(const Files& files, const std::string& endpoint) {
  return files.given() && !endpoint.starts_with("unix:");
}

}  // namespace tls

// How a client is told of an aggregator.
struct DialSettings {
  std::string endpoint = "127.0.0.1:7443";  // HOST:PORT or unix:PATH
  bool insecure = false;                    // plaintext to other than this machine
  tls::Files tls;
  std::string tls_server_name;  // "": the host of `endpoint`
};

}  // namespace outflow
