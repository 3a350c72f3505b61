#include "aggregator/kube/tls_context.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "proto/openssl.h"

namespace outflow::kube {
namespace {

// RFC 7301, 3.1: each with its length before it.
constexpr std::array<unsigned char, 12> kProtocols = {2,   'h', '2', 8,   'h', 't',
                                                      't', 'p', '/', '1', '.', '1'};

std::string queued_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

// OpenSSL's own socket BIO writes by write(2), which raises SIGPIPE where the peer is gone.
int socket_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int send_to_socket(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(socket_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int receive_from_socket(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto got = ::recv(socket_of(bio), data, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// Never given back: one a process.
BIO_METHOD* socket_method() {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
    if (method == nullptr) return method;
    BIO_meth_set_write(method, send_to_socket);
    BIO_meth_set_read(method, receive_from_socket);
    BIO_meth_set_ctrl(method, control);
    return method;
  }();
  return kMethod;
}

Result<void> trust(SSL_CTX* context, const Credentials& credentials) {
  if (credentials.insecure_skip_verify) return {};
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  if (credentials.ca.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return fail("what the system trusts: " + queued_error());
  }
  const tls::Bio bio = tls::bio_over(credentials.ca);
  bool any = false;
  while (const tls::X509Ptr certificate = tls::next_certificate(bio.get())) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) {
      return fail("certificate-authority: " + queued_error());
    }
    any = true;
  }
  ERR_clear_error();  // the end of the text is one
  if (!any) return fail("certificate-authority: no PEM certificate in it");
  return {};
}

Result<void> identify(SSL_CTX* context, const Credentials& credentials) {
  if (credentials.client_certificate.empty()) return {};
  const tls::Bio bio = tls::bio_over(credentials.client_certificate);
  const tls::X509Ptr own = tls::next_certificate(bio.get());
  if (!own) return fail("client-certificate: no PEM certificate in it");
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return fail("client-certificate: " + queued_error());
  }
  while (const tls::X509Ptr issuer = tls::next_certificate(bio.get())) {
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) {
      return fail("client-certificate: " + queued_error());
    }
  }
  ERR_clear_error();
  const tls::Key key = tls::key_in(credentials.client_key);
  if (!key) return fail("client-key: no PEM key in it that needs no passphrase");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return fail("client-key: " + queued_error());
  }
  return {};
}

bool expect(SSL* ssl, const Credentials& credentials, const std::string& name) {
  X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl);
  const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) == 1;
  ERR_clear_error();
  // RFC 6066, 3: addresses are not sent as server names.
  // (SSL_set_tlsext_host_name() is this, with a cast that C++ does not like.)
  void* const sent = const_cast<char*>(name.c_str());
  if (!is_address &&
      SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, sent) != 1) {
    return false;
  }
  if (is_address || credentials.insecure_skip_verify) return true;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, name.c_str()) == 1;
}

}  // namespace

std::string text_of_failure(const SSL* ssl, int result) {
  const int system = errno;
  const int kind = SSL_get_error(ssl, result);
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK && SSL_is_init_finished(ssl) == 0) {
    ERR_clear_error();
    return std::string("certificate refused: ") + X509_verify_cert_error_string(verified);
  }
  if (kind == SSL_ERROR_ZERO_RETURN) return "the server closed the connection";
  const unsigned long code = ERR_peek_last_error();
  const bool cut = code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  const std::string queued = queued_error();
  if (!cut) return "TLS: " + queued;
  return system != 0 ? errno_text(system) : "the connection was cut";
}

Result<Ssl> client_side(const Credentials& credentials, const std::string& name, int socket) {
  ERR_clear_error();
  const Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail("TLS: " + queued_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (auto trusted = trust(context.get(), credentials); !trusted) {
    return fail(std::move(trusted).error());
  }
  if (auto identified = identify(context.get(), credentials); !identified) {
    return fail(std::move(identified).error());
  }
  Ssl ssl(SSL_new(context.get()));
  BIO* const bio = ssl ? BIO_new(socket_method()) : nullptr;
  if (bio == nullptr) return fail("TLS: " + queued_error());
  // NOLINTNEXTLINE(performance-no-int-to-ptr): it is only kept as one
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_connect_state(ssl.get());
  SSL_set_alpn_protos(ssl.get(), kProtocols.data(), kProtocols.size());
  if (!expect(ssl.get(), credentials, name)) return fail(name + ": is no name of a server");
  return ssl;
}

}  // namespace outflow::kube
