#include "tests/support/certificates.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "proto/openssl.h"

namespace outflow::test {
namespace {

using tls::Bio;
using tls::Extension;
using tls::Key;
using tls::X509Ptr;

void must(bool worked) {
  if (!worked) std::abort();
}

void write(const std::string& path, const std::string& text) {
  {
    std::ofstream out(path + ".new", std::ios::binary);
    out << text;
    must(out.good());
  }
  std::filesystem::rename(path + ".new", path);
}

void add_name(X509_NAME* name, const char* field, const std::string& value) {
  const auto* const bytes =
      reinterpret_cast<const unsigned char*>(value.data());  // NOLINT(*-reinterpret-cast)
  must(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, bytes, static_cast<int>(value.size()),
                                  -1, 0) == 1);
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

X509Ptr certificate_for(EVP_PKEY* key, const Wish& wish) {
  static long serial = 1;
  X509Ptr made(X509_new());
  must(X509_set_version(made.get(), X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), wish.valid_from.count());
  X509_gmtime_adj(X509_getm_notAfter(made.get()), wish.valid_to.count());
  must(X509_set_pubkey(made.get(), key) == 1);
  X509_NAME* const subject = X509_get_subject_name(made.get());
  for (const auto& organization : wish.organizations) add_name(subject, "O", organization);
  if (!wish.common_name.empty()) add_name(subject, "CN", wish.common_name);
  return made;
}

std::string alternative_names(const Wish& wish) {
  std::string text;
  const auto add = [&text](const std::string& kind, const std::vector<std::string>& names) {
    for (const auto& name : names) {
      text += text.empty() ? "" : ",";
      text += kind;
      text += name;
    }
  };
  add("URI:", wish.uris);
  add("DNS:", wish.dns_names);
  add("IP:", wish.addresses);
  return text;
}

std::string pem_of(X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(out.get(), certificate) == 1);
  return tls::text_of(out.get());
}

std::string pem_of(EVP_PKEY* key) {
  const Bio out(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return tls::text_of(out.get());
}

}  // namespace

struct TestAuthority::Parts {
  Key key;
  X509Ptr certificate;
};

tls::Files Issued::write_to(const TempDir& dir, const std::string& name) const {
  write(dir / (name + ".crt"), certificate_pem);
  write(dir / (name + ".key"), key_pem);
  write(dir / (name + ".ca"), authority_pem);
  return {dir / (name + ".crt"), dir / (name + ".key"), dir / (name + ".ca")};
}

TestAuthority::TestAuthority(const std::string& name)
    : parts_(std::make_unique<Parts>(Parts{Key(EVP_EC_gen("P-256")), nullptr})) {
  Wish wish;
  wish.common_name = name;
  parts_->certificate = certificate_for(parts_->key.get(), wish);
  X509* const certificate = parts_->certificate.get();
  must(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1);
  add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  must(X509_sign(certificate, parts_->key.get(), EVP_sha256()) > 0);
}

TestAuthority::~TestAuthority() = default;

Issued TestAuthority::issue(const Wish& wish) const {
  const Key key(EVP_EC_gen("P-256"));
  const X509Ptr made = certificate_for(key.get(), wish);
  must(X509_set_issuer_name(made.get(), X509_get_subject_name(parts_->certificate.get())) == 1);
  add_extension(made.get(), NID_ext_key_usage, wish.for_server ? "serverAuth" : "clientAuth");
  const std::string names = alternative_names(wish);
  if (!names.empty()) add_extension(made.get(), NID_subject_alt_name, names);
  must(X509_sign(made.get(), parts_->key.get(), EVP_sha256()) > 0);
  return {pem_of(made.get()), pem_of(key.get()), certificate_pem()};
}

std::string TestAuthority::certificate_pem() const {
  return pem_of(parts_->certificate.get());
}
std::string TestAuthority::key_pem() const {
  return pem_of(parts_->key.get());
}

Issued TestAuthority::server() const {
  return issue({.common_name = "outflow-aggregator",
                .dns_names = {"localhost", "outflow-aggregator.outflow-system.svc"},
                .addresses = {"127.0.0.1"},
                .for_server = true});
}
Issued TestAuthority::agent(const std::string& node) const {
  return issue({.common_name = "outflow-agent",
                .organizations = {"outflow:agents"},
                .uris = {"outflow://agent/" + node}});
}
Issued TestAuthority::user(const std::string& name, std::vector<std::string> groups) const {
  return issue({.common_name = name, .organizations = std::move(groups)});
}

}  // namespace outflow::test
