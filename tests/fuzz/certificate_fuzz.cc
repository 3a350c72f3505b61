// Any bytes as certificate, key, bundle and signing request.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aggregator/access/identity.h"
#include "proto/certificate.h"

using namespace outflow;

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
  return 0;
}
