// Signs agents' certificates with an authority whose certificate and key are files. Both are read
// again for every signature, so a new authority needs no restart. Thread-safe.
#pragma once

#include <string>

#include "common/clock.h"
#include "common/result.h"

namespace outflow::access {

struct SignedCertificate {
  std::string pem;  // ours first, then the authority's
  TimePoint not_after{};
};

class Signer {
 public:
  // Clocks of nodes differ: a certificate is good from this much before it was signed.
  static constexpr nanoseconds kBackdated = std::chrono::minutes(5);

  struct Files {
    std::string certificate;
    std::string key;
  };
  // Reads both once, so that what cannot sign is an Error at the start: unreadable, a key that is
  // not the certificate's, a certificate that is no authority's, or one that has expired.
  [[nodiscard]] static Result<Signer> open(Files files, nanoseconds lifetime, const Clock& clock);

  // A certificate of `node`'s agent (see identity.h) for the key of the request, for client
  // authentication only, valid for the lifetime but never longer than the authority. The names in
  // the request are ignored. The Error says what is wrong with the request, or, when `ours` is set,
  // that we cannot sign now.
  struct Failure {
    bool ours = false;
    std::string what;
  };
  [[nodiscard]] tl::expected<SignedCertificate, Failure> sign(const std::string& request_pem,
                                                              const std::string& node) const;

 private:
  Signer(Files files, nanoseconds lifetime, const Clock& clock)
      : files_(std::move(files)), lifetime_(lifetime), clock_(&clock) {}

  Files files_;
  nanoseconds lifetime_;
  const Clock* clock_;
};

}  // namespace outflow::access
