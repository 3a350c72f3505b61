#include "agent/said_hello.h"

#include <limits>
#include <optional>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "agent/said_name.h"

namespace outflow::agent {
namespace {

// TLS ExtensionType Values (IANA). OpenSSL 3.0 does not know the second.
constexpr unsigned kServerName = 0;
constexpr unsigned kEncryptedClientHello = 0xfe0d;
// RFC 6066 3: a list of 16 bits' length, of entries: a kind, and 16 bits of length.
constexpr std::size_t kNameHead = 5;
constexpr std::uint8_t kHostName = 0;

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

std::size_t number16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::size_t>(bytes[at]) << 8U | bytes[at + 1];
}

// The one name of the list: no other kind was ever defined, and of a kind at most one is allowed.
std::optional<std::string> name_in(std::span<const std::uint8_t> list) {
  if (list.size() < kNameHead || number16(list, 0) != list.size() - 2 || list[2] != kHostName ||
      number16(list, 3) != list.size() - kNameHead) {
    return std::nullopt;
  }
  return said_host_name(
      {reinterpret_cast<const char*>(list.data()) + kNameHead, list.size() - kNameHead});
}

// What the callback found; the connection has its address as application data (index 0).
struct Found {
  bool hello = false;
  std::optional<std::string> name;
  bool encrypted_client_hello = false;
};

int look(SSL* ssl, int* alert, void*) {
  *alert = SSL_AD_USER_CANCELLED;
  auto* found = static_cast<Found*>(SSL_get_ex_data(ssl, 0));
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  found->hello = true;
  found->name = SSL_client_hello_get0_ext(ssl, kServerName, &bytes, &size) == 1
                    ? name_in({bytes, size})
                    : std::string();
  found->encrypted_client_hello =
      SSL_client_hello_get0_ext(ssl, kEncryptedClientHello, &bytes, &size) == 1;
  return SSL_CLIENT_HELLO_ERROR;  // that was all
}

}  // namespace

void HelloReader::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<HelloReader> HelloReader::open() {
  Context context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return fail("OpenSSL makes no context");
  // Extensions that OpenSSL does not know are not kept for the callback, unless one claims them.
  if (SSL_extension_supported(kEncryptedClientHello) == 0 &&
      SSL_CTX_add_custom_ext(context.get(), kEncryptedClientHello, SSL_EXT_CLIENT_HELLO, nullptr,
                             nullptr, nullptr, nullptr, nullptr) != 1) {
    return fail("OpenSSL takes no extension of ours");
  }
  SSL_CTX_set_client_hello_cb(context.get(), look, nullptr);
  return HelloReader(std::move(context));
}

Result<Hello> HelloReader::read(std::span<const std::uint8_t> records) const {
  if (records.size() > std::numeric_limits<int>::max()) return fail("too long");
  const std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(context_.get()));
  std::unique_ptr<BIO, FreeBio> in(
      BIO_new_mem_buf(records.data(), static_cast<int>(records.size())));
  std::unique_ptr<BIO, FreeBio> out(BIO_new(BIO_s_null()));
  if (ssl == nullptr || in == nullptr || out == nullptr) {
    ERR_clear_error();
    return fail("OpenSSL has no memory");
  }
  Found found;
  SSL_set_ex_data(ssl.get(), 0, &found);
  SSL_set_bio(ssl.get(), in.release(), out.release());  // they are its own now
  SSL_set_accept_state(ssl.get());
  SSL_do_handshake(ssl.get());
  ERR_clear_error();  // it fails always: the callback says so
  if (!found.hello) return fail("no whole ClientHello");
  if (!found.name) return fail("its server name is no host name");
  return Hello{*std::move(found.name), found.encrypted_client_hello};
}

}  // namespace outflow::agent
