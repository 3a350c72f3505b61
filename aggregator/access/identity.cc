#include "aggregator/access/identity.h"

#include <algorithm>

#include <grpcpp/security/auth_context.h>

#include "proto/wire.h"

namespace outflow::access {

bool is_node_name(std::string_view name) {
  return !name.empty() && name.size() <= wire::kNodeNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
         });
}

std::string Identity::text() const {
  switch (role) {
    case Role::Agent:
      return "the agent of " + name;
    case Role::User:
      return "user " + name;
    default:
      return "nobody";
  }
}

Result<Identity> identity_of(const tls::Certificate& certificate) {
  Identity identity{Role::Agent, "", {}, certificate.not_after};
  for (const std::string& uri : certificate.uris) {
    if (!uri.starts_with(kAgentUri)) continue;
    if (!identity.name.empty()) return fail("the certificate names two agents");
    identity.name = uri.substr(kAgentUri.size());
    if (!is_node_name(identity.name)) return fail("the certificate's " + uri + " names no node");
  }
  if (!identity.name.empty()) return identity;
  identity.name = certificate.common_name;
  identity.groups = certificate.organizations;
  const auto& groups = identity.groups;
  if (std::find(groups.begin(), groups.end(), kAgentsGroup) == groups.end()) {
    identity.role = Role::User;
    if (identity.name.empty()) return fail("the certificate has no common name: no user");
    return identity;
  }
  if (!is_node_name(identity.name)) return fail("the agent's certificate names no node");
  identity.groups.clear();  // an agent is in no group
  return identity;
}

Result<Identity> identity_of(const grpc::ServerContextBase& context, bool is_tls) {
  if (!is_tls) return Identity{Role::Unprotected, "", {}};
  const auto peer = context.auth_context();
  if (peer == nullptr || !peer->IsPeerAuthenticated()) return Identity{};
  const auto pems = peer->FindPropertyValues("x509_pem_cert");  // GRPC_X509_PEM_CERT_PROPERTY_NAME
  if (pems.empty()) return Identity{};
  const auto certificate = tls::read_certificate({pems.front().data(), pems.front().size()});
  if (!certificate) return fail(Error(certificate.error()).within("the client's certificate"));
  return identity_of(*certificate);
}

}  // namespace outflow::access
