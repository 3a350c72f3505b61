// A TLS ClientHello -> the server name in it (RFC 6066 3). OpenSSL reads it, as a server that gives
// up before it answers: what it makes of a hello is what servers make of it. For any bytes; for one
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "common/result.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace outflow::agent {

struct Hello {
  std::string name;                     // in our text form; "" when it has none, or an address
  bool encrypted_client_hello = false;  // there is an inner one: the name is the outer one
  friend bool operator==(const Hello&, const Hello&) = default;
};

class HelloReader {
 public:
  [[nodiscard]] static Result<HelloReader> open();

  // `records`: TLS records from the first of the connection on, the hello whole in them; what
  // follows it is not looked at. An Error: it is not whole, no hello, or its name is none.
  [[nodiscard]] Result<Hello> read(std::span<const std::uint8_t> records) const;

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  using Context = std::unique_ptr<ssl_ctx_st, Free>;
  explicit HelloReader(Context context) : context_(std::move(context)) {}
  Context context_;
};

}  // namespace outflow::agent
