// Who is speaking, as the verified certificate of a connection says it. The pure half is a function
// of the certificate; whether it is believed was decided by TLS before.
//
// An agent's certificate has the URI subject alternative name "outflow://agent/NODE", as enrolment
// writes it; or, when made by others, the organization "outflow:agents" and its node's name as the
// common name. Any other certificate is a user's, as Kubernetes reads it: the common name is the
// user, organizations are groups. A certificate that names an agent is never a user's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/impl/codegen/server_context.h>

#include "common/clock.h"
#include "common/result.h"
#include "proto/certificate.h"

namespace outflow::access {

inline constexpr std::string_view kAgentUri = "outflow://agent/";
inline constexpr std::string_view kAgentsGroup = "outflow:agents";

enum class Role {
  Unprotected,  // plaintext: nobody proves anything, everything is allowed
  Anonymous,    // TLS without a client certificate: only a token can tell more
  Agent,        // of the node `name`
  User
};

struct Identity {
  Role role = Role::Anonymous;
  std::string name;
  std::vector<std::string> groups;
  TimePoint not_after = TimePoint::max();  // nothing is believed after it

  // "agent of k8s-w1", "user ann", "nobody"; for errors and logs.
  [[nodiscard]] std::string text() const;
  bool operator==(const Identity&) const = default;
};

// As Kubernetes bounds it (RFC 1123 subdomain): 1..253 of a-z, 0-9, '.' and '-'.
[[nodiscard]] bool is_node_name(std::string_view name);

// The Error says what the certificate lacks. Pure.
[[nodiscard]] Result<Identity> identity_of(const tls::Certificate& certificate);

// The identity of a call's connection; `is_tls` is what the server's port was opened with.
[[nodiscard]] Result<Identity> identity_of(const grpc::ServerContextBase& context, bool is_tls);

}  // namespace outflow::access
