// What OpenSSL lends, each given back by its class. Included by those
// who speak to OpenSSL, never by their callers.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace outflow::tls {

struct FreeBio {
  void operator()(BIO* owned) const { BIO_free_all(owned); }
};
struct FreeKey {
  void operator()(EVP_PKEY* owned) const { EVP_PKEY_free(owned); }
};
struct FreeCertificate {
  void operator()(X509* owned) const { X509_free(owned); }
};
struct FreeRequest {
  void operator()(X509_REQ* owned) const { X509_REQ_free(owned); }
};
struct FreeNames {
  void operator()(GENERAL_NAMES* owned) const { GENERAL_NAMES_free(owned); }
};
struct FreeExtension {
  void operator()(X509_EXTENSION* owned) const { X509_EXTENSION_free(owned); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using X509Ptr = std::unique_ptr<X509, FreeCertificate>;
using Request = std::unique_ptr<X509_REQ, FreeRequest>;
using Names = std::unique_ptr<GENERAL_NAMES, FreeNames>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeExtension>;

// Reads from `text`, which outlives it. PEM of ours is far below 2 GiB.
[[nodiscard]] inline Bio bio_over(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
[[nodiscard]] inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

// A key that asks for a passphrase is refused instead of a terminal being asked.
[[nodiscard]] inline int no_passphrase(char*, int, int, void*) {
  return -1;
}
[[nodiscard]] inline X509Ptr next_certificate(BIO* bio) {
  return X509Ptr(PEM_read_bio_X509(bio, nullptr, no_passphrase, nullptr));
}
[[nodiscard]] inline Key key_in(std::string_view pem) {
  const Bio bio = bio_over(pem);
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
}

}  // namespace outflow::tls
