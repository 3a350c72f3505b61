#include "tests/support/hello.h"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/ssl.h>

namespace outflow::test {
namespace {

constexpr std::size_t kRecordHead = 5;
// From the record's header on: the message's head, version, random.
constexpr std::size_t kSessionAt = kRecordHead + 4 + 2 + 32;

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL makes no ClientHello");
}

std::size_t read16(const HelloBytes& bytes, std::size_t at) {
  return static_cast<std::size_t>(bytes.at(at)) << 8U | bytes.at(at + 1);
}
void write16(HelloBytes& bytes, std::size_t at, std::size_t value) {
  bytes.at(at) = static_cast<std::uint8_t>(value >> 8U);
  bytes.at(at + 1) = static_cast<std::uint8_t>(value);
}

}  // namespace

HelloBytes make_hello(const std::string& name) {
  const std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_client_method()));
  require(context != nullptr);
  const std::unique_ptr<SSL, Free> ssl(SSL_new(context.get()));
  require(ssl != nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
  SSL_set_connect_state(ssl.get());
  // What SSL_set_tlsext_host_name() is, without its cast.
  std::string host = name;
  if (!name.empty()) {
    require(SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     host.data()) == 1);
  }
  SSL_do_handshake(ssl.get());
  HelloBytes hello(BIO_ctrl_pending(out));
  require(!hello.empty() && BIO_read(out, hello.data(), static_cast<int>(hello.size())) ==
                                static_cast<int>(hello.size()));
  return hello;
}

HelloBytes with_extension(HelloBytes hello, std::uint16_t kind, const HelloBytes& content) {
  std::size_t at = kSessionAt;
  at += 1 + hello.at(at);             // session
  at += 2 + read16(hello, at);        // cipher suites
  at += 1 + hello.at(at);             // compression methods
  const std::size_t lengths_at = at;  // of all extensions
  const std::size_t added = 4 + content.size();
  hello.resize(hello.size() + 4);
  write16(hello, hello.size() - 4, kind);
  write16(hello, hello.size() - 2, content.size());
  hello.insert(hello.end(), content.begin(), content.end());
  write16(hello, lengths_at, read16(hello, lengths_at) + added);
  write16(hello, 3, read16(hello, 3) + added);
  write16(hello, 7, read16(hello, 7) + added);  // the low bytes of 24 bits
  return hello;
}

HelloBytes in_records(const HelloBytes& hello, std::size_t size) {
  HelloBytes all;
  for (std::size_t at = kRecordHead; at < hello.size(); at += size) {
    const std::size_t length = std::min(size, hello.size() - at);
    const auto from = hello.begin() + static_cast<std::ptrdiff_t>(at);
    all.insert(all.end(), hello.begin(), hello.begin() + kRecordHead);
    write16(all, all.size() - 2, length);
    all.insert(all.end(), from, from + static_cast<std::ptrdiff_t>(length));
  }
  return all;
}

}  // namespace outflow::test
