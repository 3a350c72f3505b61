// Where the two ends of gRPC meet, and how they prove who they are. Plaintext for now: loopback
// addresses and Unix sockets only, unless the user says --insecure.
#pragma once

#include <string>

#include "common/result.h"

namespace outflow {

// "HOST:PORT" (IPv6 in brackets) or "unix:PATH", ready for gRPC. An address that is not loopback is
// refused unless `insecure`: flows and policies in plaintext are for nobody else's eyes. A host
// name other than "localhost" counts as not loopback. `flag` is named in the error.
[[nodiscard]] Result<std::string> checked_endpoint(const std::string& text, bool insecure,
                                                   const std::string& flag);

}  // namespace outflow
