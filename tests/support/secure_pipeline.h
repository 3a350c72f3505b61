// The whole aggregator behind TLS, and those who call it, each with certificates of one authority.
#pragma once

#include <grpcpp/security/credentials.h>

#include "tests/support/certificates.h"
#include "tests/support/whole_pipeline.h"

namespace outflow::test {

inline AggregatorConfig secure_config_in(const TempDir& dir, const TestAuthority& authority) {
  AggregatorConfig config = config_in(dir);
  config.tls = authority.server().write_to(dir, "server");
  return config;
}

// The other end as gRPC alone makes it, so that what our own code forgets is not forgotten twice.
inline std::shared_ptr<grpc::Channel> connect_as(const Pipeline& pipeline, const Issued& who) {
  return connect(target_of(pipeline),
                 grpc::SslCredentials({who.authority_pem, who.key_pem, who.certificate_pem}));
}
// Believes the server and shows nothing.
inline std::shared_ptr<grpc::Channel> connect_as_nobody(const Pipeline& pipeline,
                                                        const TestAuthority& authority) {
  return connect(target_of(pipeline), grpc::SslCredentials({authority.certificate_pem(), "", ""}));
}

}  // namespace outflow::test
