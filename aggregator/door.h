// The door of the aggregator: who comes in to report, ask and enrol, how he proves who he is, and
// how much he may take of the server. Made once, before the services; it outlives the server.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <grpcpp/server_builder.h>

#include "aggregator/access/agents.h"
#include "aggregator/access/ask.h"
#include "aggregator/access/authority.h"
#include "aggregator/access/enroll_service.h"
#include "aggregator/access/signer.h"
#include "aggregator/access/users.h"
#include "aggregator/config.h"
#include "common/clock.h"
#include "common/result.h"
#include "proto/credentials.h"

namespace outflow {

class Door {
 public:
  // `ask`: the API server; empty: nobody is asked. The clock outlives the door, and so does what
  // `node_of_pod` looks at. Errors name the flag.
  [[nodiscard]] static Result<std::unique_ptr<Door>> open(const AggregatorConfig& config,
                                                          access::Ask ask, const Clock& clock,
                                                          access::NodeOfPod node_of_pod);

  [[nodiscard]] access::Agents& agents() { return *agents_; }
  [[nodiscard]] const access::Users& users() const { return *users_; }
  [[nodiscard]] grpc::Service* enroll_service() const { return enroll_service_.get(); }  // or null
  [[nodiscard]] std::shared_ptr<grpc::ServerCredentials> credentials() const;
  // Of our own certificate; empty in plaintext.
  [[nodiscard]] std::function<TimePoint()> certificate_expiry() const;

  // What one who means harm, or is broken, may take of the server.
  static void bound(grpc::ServerBuilder& builder);

 private:
  Door() = default;
  [[nodiscard]] Result<void> open_enrolment(const AggregatorConfig& config, const Clock& clock,
                                            access::NodeOfPod node_of_pod);

  std::unique_ptr<tls::Credentials> credentials_;  // null: plaintext
  std::unique_ptr<access::Agents> agents_;
  std::unique_ptr<access::Authority> authority_;
  std::unique_ptr<access::Users> users_;
  std::optional<access::Signer> signer_;  // nullopt: nobody is enrolled
  std::unique_ptr<grpc::Service> enroll_service_;
};

}  // namespace outflow
