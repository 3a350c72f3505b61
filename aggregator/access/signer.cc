#include "aggregator/access/signer.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <openssl/rand.h>

#include "aggregator/access/identity.h"
#include "common/file.h"
#include "proto/openssl.h"

namespace outflow::access {
namespace {

using Failure = Signer::Failure;

struct SigningAuthority {
  std::string certificate_pem;
  tls::X509Ptr certificate;
  tls::Key key;
  TimePoint not_after{};
};

Result<SigningAuthority> load(const Signer::Files& files, TimePoint now) {
  auto certificate = read_file(files.certificate, tls::kPemBytesMax);
  if (!certificate) return fail(std::move(certificate).error());
  const auto key = read_file(files.key, tls::kPemBytesMax);
  if (!key) return fail(Error(key.error()));
  if (auto checked = tls::check_pair(*certificate, *key); !checked) {
    return fail(std::move(checked).error().within(files.certificate + " and " + files.key));
  }
  const auto said = tls::read_certificate(*certificate);
  if (!said) return fail(Error(said.error()).within(files.certificate));
  if (said->not_after <= now) return fail(files.certificate + ": has expired");
  SigningAuthority authority;
  authority.certificate = tls::next_certificate(tls::bio_over(*certificate).get());
  authority.key = tls::key_in(*key);
  authority.not_after = said->not_after;
  authority.certificate_pem = *std::move(certificate);
  if (X509_check_ca(authority.certificate.get()) != 1) {
    return fail(files.certificate + ": is no authority's certificate (basicConstraints CA:TRUE)");
  }
  return authority;
}

// The key of a request that proves that whoever sent it holds the private half.
tl::expected<tls::Key, Failure> key_of(const std::string& pem) {
  const auto refuse = [](std::string what) {
    ERR_clear_error();
    return tl::unexpected<Failure>(Failure{false, "request_pem: " + std::move(what)});
  };
  if (pem.size() > tls::kRequestBytesMax) return refuse("larger than a request can be");
  const tls::Request request(
      PEM_read_bio_X509_REQ(tls::bio_over(pem).get(), nullptr, tls::no_passphrase, nullptr));
  if (request == nullptr) return refuse("no PEM certificate request");
  tls::Key key(X509_REQ_get_pubkey(request.get()));
  std::array<char, 32> group{};
  const bool is_p256 =
      key != nullptr && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_EC &&
      EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr) == 1 &&
      std::string_view(group.data()) == SN_X9_62_prime256v1;
  if (!is_p256) return refuse("its key is not P-256");
  if (X509_REQ_verify(request.get(), key.get()) != 1) return refuse("not signed by its own key");
  return key;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const tls::Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_name(X509* certificate) {
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const auto add = [subject](const char* field, std::string_view value) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's bytes are unsigned
    const auto* const bytes = reinterpret_cast<const unsigned char*>(value.data());
    return X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, bytes,
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  // A common name holds 64 bytes (RFC 5280, A.1), a node's name 253: the URI names the node.
  return add("O", kAgentsGroup) && add("CN", "outflow-agent");
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return false;
  random[0] &= 0x7fU;  // positive (RFC 5280, 4.1.2.2)
  BIGNUM* const number = BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool set_validity(X509* certificate, TimePoint from, TimePoint until) {
  const auto seconds = [](TimePoint time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  };
  return ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(until)) != nullptr;
}

bool add_extensions(X509* certificate, X509* issuer, const std::string& node) {
  return add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, issuer, NID_ext_key_usage, "clientAuth") &&
         add_extension(certificate, issuer, NID_subject_alt_name,
                       "URI:" + std::string(kAgentUri) + node) &&
         (X509_get0_subject_key_id(issuer) == nullptr ||
          add_extension(certificate, issuer, NID_authority_key_identifier, "keyid"));
}

}  // namespace

Result<Signer> Signer::open(Files files, nanoseconds lifetime, const Clock& clock) {
  if (const auto loaded = load(files, clock.now()); !loaded) return fail(Error(loaded.error()));
  return Signer(std::move(files), lifetime, clock);
}

tl::expected<SignedCertificate, Failure> Signer::sign(const std::string& request_pem,
                                                      const std::string& node) const {
  const auto ours = [](std::string what) {
    ERR_clear_error();
    return tl::unexpected<Failure>(Failure{true, std::move(what)});
  };
  // The name becomes part of OpenSSL's own little language for extensions.
  if (!is_node_name(node)) return ours("'" + node + "' is no node name");
  const auto key = key_of(request_pem);
  if (!key) return tl::unexpected<Failure>(key.error());
  const TimePoint now = clock_->now();
  const auto authority = load(files_, now);
  if (!authority) return ours(authority.error().what);
  const TimePoint until = std::min(now + lifetime_, authority->not_after);
  const tls::X509Ptr made(X509_new());
  X509* const issuer = authority->certificate.get();
  const bool done = made != nullptr && X509_set_version(made.get(), X509_VERSION_3) == 1 &&
                    set_serial(made.get()) && set_name(made.get()) &&
                    set_validity(made.get(), now - kBackdated, until) &&
                    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer)) == 1 &&
                    X509_set_pubkey(made.get(), key->get()) == 1 &&
                    add_extensions(made.get(), issuer, node) &&
                    X509_sign(made.get(), authority->key.get(), EVP_sha256()) > 0;
  const tls::Bio out(BIO_new(BIO_s_mem()));
  if (!done || PEM_write_bio_X509(out.get(), made.get()) != 1) {
    const char* const why = ERR_reason_error_string(ERR_peek_last_error());
    return ours(std::string("OpenSSL cannot sign: ") + (why != nullptr ? why : "no reason given"));
  }
  return SignedCertificate{tls::text_of(out.get()) + authority->certificate_pem,
                           std::chrono::floor<std::chrono::seconds>(until)};
}

}  // namespace outflow::access
