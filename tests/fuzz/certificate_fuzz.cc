// Any bytes as certificate, key, bundle and signing request; what is signed names who we say.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "aggregator/access/identity.h"
#include "aggregator/access/signer.h"
#include "proto/certificate.h"
#include "tests/support/certificates.h"

using namespace outflow;

namespace {

const access::Signer& signer() {
  static const SystemClock clock;
  static const test::TempDir dir;
  static const auto made = [] {
    const test::TestAuthority authority;
    std::ofstream(dir / "crt") << authority.certificate_pem();
    std::ofstream(dir / "key") << authority.key_pem();
    return access::Signer::open({dir / "crt", dir / "key"}, std::chrono::hours(1), clock);
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the fuzzer's bytes as text
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto certificate = tls::read_certificate(text);
  if (certificate) {
    const auto identity = access::identity_of(*certificate);
    if (identity) assert(!identity->name.empty());
    if (identity && identity->role == access::Role::Agent) {
      assert(access::is_node_name(identity->name));
    }
  } else {
    assert(!certificate.error().what.empty());
  }
  const auto pair = tls::check_pair(text, text);
  if (pair) assert(certificate);
  static_cast<void>(tls::check_authorities(text));
  const auto signed_one = signer().sign(std::string(text), "k8s-w1");
  if (signed_one) {
    const auto identity = access::identity_of(*tls::read_certificate(signed_one->pem));
    assert(identity && identity->role == access::Role::Agent && identity->name == "k8s-w1");
  } else {
    assert(!signed_one.error().ours && !signed_one.error().what.empty());
  }
  return 0;
}
