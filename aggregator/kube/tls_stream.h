// The way to the API server: a TCP connection and TLS on it (OpenSSL), which block nobody. Used by
// one thread.
//
// TLS 1.2 and newer, offering "h2" and "http/1.1" (ALPN, RFC 7301). The server's certificate must
// lead to the CA of the credentials (which also may be no root, as with Go) or, without one, to
// what the system trusts, and be for the server's name; insecure_skip_verify gives up both.
//
// A host that is a name is looked up by a thread of its own, since getaddrinfo() waits; its
// addresses are tried one after the other and share kConnectTime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "aggregator/kube/access.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow::kube {

// "https://HOST:PORT/PREFIX", apart.
struct Authority {
  std::string host;       // an IPv6 address without its brackets
  std::string port;       // "443" when there is none
  std::string authority;  // HOST:PORT as it is written
  std::string prefix;     // "", or begins with a slash
};
[[nodiscard]] Result<Authority> authority_of(const std::string& server);

class TlsStream {
 public:
  TlsStream(const Credentials& credentials, SteadyTime now);
  ~TlsStream();  // says goodbye when it can at once
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Goes on with what can be done at once. True when it is open; an error, which names the server,
  // is final, also that there was no connection for kConnectTime.
  [[nodiscard]] Result<bool> open(SteadyTime now);
  // When open: the server speaks HTTP/2.
  [[nodiscard]] bool has_h2() const;

  // Give how many bytes; 0: none at once. The end of the stream is an error.
  [[nodiscard]] Result<std::size_t> read(std::span<char> bytes);
  [[nodiscard]] Result<std::size_t> write(std::string_view bytes);

  // What poll(2) should wait for, beside POLLIN; -1: nothing.
  [[nodiscard]] int fd() const;
  [[nodiscard]] bool wants_write() const;
  // When open() is to be called though nothing came.
  [[nodiscard]] SteadyTime due() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace outflow::kube
