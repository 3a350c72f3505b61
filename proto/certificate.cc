#include "proto/certificate.h"

#include <algorithm>
#include <ctime>

#include "proto/openssl.h"

namespace outflow::tls {
namespace {

bool is_clean(const std::string& name) {
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char byte) { return byte >= 0x20 && byte != 0x7f; });
}

std::string text_of(const ASN1_STRING* value) {
  const auto* const data = ASN1_STRING_get0_data(value);
  return {data, data + ASN1_STRING_length(value)};
}

std::vector<std::string> entries_of(X509_NAME* name, int nid) {
  std::vector<std::string> texts;
  for (int at = X509_NAME_get_index_by_NID(name, nid, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(name, nid, at)) {
    const auto* const entry = X509_NAME_get_entry(name, at);
    auto text = text_of(X509_NAME_ENTRY_get_data(entry));
    if (is_clean(text)) texts.push_back(std::move(text));
  }
  return texts;
}

std::vector<std::string> uris_of(X509* certificate) {
  std::vector<std::string> uris;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    int type = 0;
    const auto* const value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(name, &type));
    if (type != GEN_URI) continue;
    auto text = text_of(value);
    if (is_clean(text)) uris.push_back(std::move(text));
  }
  return uris;
}

Result<TimePoint> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return fail("its validity is not a time");
  const std::int64_t seconds = ::timegm(&parts);
  // Nanoseconds in 64 bits end in 2262; a certificate without an end (RFC 5280, 9999) is cut there.
  constexpr std::int64_t kLast = 9'223'372'036;
  return TimePoint(std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kLast)));
}

Result<X509Ptr> first_certificate(std::string_view pem) {
  if (pem.size() > kPemBytesMax) return fail("larger than a certificate can be");
  const Bio bio = bio_over(pem);
  X509Ptr certificate = next_certificate(bio.get());
  ERR_clear_error();
  if (certificate == nullptr) return fail("holds no PEM certificate");
  return certificate;
}

}  // namespace

Result<Certificate> read_certificate(std::string_view pem) {
  const auto x509 = first_certificate(pem);
  if (!x509) return fail(Error(x509.error()));
  const auto from = time_of(X509_get0_notBefore(x509->get()));
  const auto until = time_of(X509_get0_notAfter(x509->get()));
  if (!from || !until) return fail("its validity is not a time");
  X509_NAME* const subject = X509_get_subject_name(x509->get());
  const auto names = entries_of(subject, NID_commonName);
  return Certificate{.common_name = names.empty() ? "" : names.back(),
                     .organizations = entries_of(subject, NID_organizationName),
                     .uris = uris_of(x509->get()),
                     .not_before = *from,
                     .not_after = *until};
}

Result<void> check_pair(std::string_view certificate_pem, std::string_view key_pem) {
  const auto certificate = first_certificate(certificate_pem);
  if (!certificate) return fail(Error(certificate.error()).within("the certificate"));
  if (key_pem.size() > kPemBytesMax) return fail("the key: larger than a key can be");
  const Key key = key_in(key_pem);
  const bool matches = key != nullptr && X509_check_private_key(certificate->get(), key.get()) == 1;
  ERR_clear_error();
  if (key == nullptr) return fail("the key: holds no PEM private key that needs no passphrase");
  if (!matches) return fail("the key is not the certificate's");
  return {};
}

Result<void> check_authorities(std::string_view pem) {
  if (pem.size() > kPemBytesMax) return fail("larger than certificates can be");
  const Bio bio = bio_over(pem);
  std::size_t count = 0;
  while (next_certificate(bio.get()) != nullptr) ++count;
  // The end of the text is "no start line"; anything else stands in a block that is broken.
  const auto error = ERR_peek_last_error();
  const bool is_end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!is_end) return fail("its certificate " + std::to_string(count + 1) + " is unreadable");
  if (count == 0) return fail("holds no PEM certificate");
  return {};
}

Result<KeyAndRequest> make_request() {
  const Key key(EVP_EC_gen("P-256"));
  const Request request(X509_REQ_new());
  if (key == nullptr || request == nullptr) return fail("make a key: OpenSSL cannot");
  const Bio key_out(BIO_new(BIO_s_mem()));
  const Bio request_out(BIO_new(BIO_s_mem()));
  const bool made = X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
                    X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
                    X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0 &&
                    PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                             nullptr) == 1 &&
                    PEM_write_bio_X509_REQ(request_out.get(), request.get()) == 1;
  ERR_clear_error();
  if (!made) return fail("make a signing request: OpenSSL cannot");
  return KeyAndRequest{text_of(key_out.get()), text_of(request_out.get())};
}

}  // namespace outflow::tls
