// The Enrollment service of enroll.proto: an agent proves by a token bound to its pod which node it
// runs on, and gets a certificate for it. Called on gRPC's threads for waiting; a few at once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <grpcpp/impl/codegen/service_type.h>

#include "aggregator/access/authority.h"
#include "aggregator/access/signer.h"

namespace outflow::access {

// The node a pod runs on, for API servers before 1.30, whose tokens do not say. The uid is the
// token's; a pod of the same name with another uid is another pod. nullopt: not known.
using NodeOfPod = std::function<std::optional<std::string>(
    const std::string& namespace_name, const std::string& pod, const std::string& uid)>;

struct EnrollSetup {
  bool is_tls = false;  // in plaintext nobody is enrolled: tokens would be read on the way
  std::string namespace_name;
  std::string service_account = "outflow-agent";
  NodeOfPod node_of_pod;  // may be empty
};

// Both the authority and the signer outlive the service.
[[nodiscard]] std::unique_ptr<grpc::Service> make_enroll_service(EnrollSetup setup,
                                                                 Authority& authority,
                                                                 const Signer& signer);

}  // namespace outflow::access
