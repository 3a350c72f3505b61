#include "aggregator/access/users.h"

#include <utility>

namespace outflow::access {
namespace {

// Every group Kubernetes itself gives whoever proved who they are.
constexpr const char* kAuthenticated = "system:authenticated";

Deed see(const std::string& namespace_name) {
  // Named twice, as the API server does for namespaces: so a Role within it may grant it too.
  return {"get", "", "namespaces", namespace_name, namespace_name};
}

}  // namespace

std::string bearer_of(const grpc::ServerContextBase& context) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return "";
  const std::string_view value(found->second.data(), found->second.size());
  return value.starts_with(kScheme) ? std::string(value.substr(kScheme.size())) : "";
}

Checked<Identity> Users::identify(const grpc::ServerContextBase& context) const {
  auto identity = identity_of(context, is_tls_);
  if (!identity) return refuse(grpc::StatusCode::PERMISSION_DENIED, identity.error().what);
  if (identity->role == Role::Agent) {
    return refuse(grpc::StatusCode::PERMISSION_DENIED,
                  identity->text() + " may report and nothing else");
  }
  if (identity->role == Role::User) {
    identity->groups.emplace_back(kAuthenticated);
    return *std::move(identity);
  }
  if (identity->role == Role::Unprotected) return *std::move(identity);
  const std::string token = bearer_of(context);
  if (token.empty()) {
    return refuse(grpc::StatusCode::UNAUTHENTICATED,
                  "show who you are: --tls-cert and --tls-key, or --token-file");
  }
  auto user = authority_.user_of(token);
  if (!user) return tl::unexpected<grpc::Status>(std::move(user).error());
  return Identity{Role::User, std::move(user->name), std::move(user->groups)};
}

Checked<MaySee> Users::sight_of(const grpc::ServerContextBase& context) const {
  auto user = identify(context);
  if (!user) return tl::unexpected<grpc::Status>(std::move(user).error());
  if (user->role == Role::Unprotected) return MaySee();
  auto all = authority_.may(*user, {"list", "", "namespaces", "", ""});
  if (!all) return tl::unexpected<grpc::Status>(std::move(all).error());
  if (*all) return MaySee();
  return MaySee([this, who = *std::move(user)](const std::string& name) -> Checked<bool> {
    if (name.empty()) return false;
    return authority_.may(who, see(name));
  });
}

grpc::Status Users::may_back_up(const grpc::ServerContextBase& context) const {
  const auto sight = sight_of(context);
  if (!sight) return sight.error();
  if (!*sight) return grpc::Status::OK;
  return {grpc::StatusCode::PERMISSION_DENIED,
          "a backup holds the flows of every namespace: list on namespaces is not granted"};
}

grpc::Status Users::may_add_evidence(const grpc::ServerContextBase& context) const {
  const auto user = identify(context);
  if (!user) return user.error();
  if (user->role == Role::Unprotected) return grpc::Status::OK;
  const auto allowed = authority_.may(*user, {"create", "outflow.dev", "evidence", "", ""});
  if (!allowed) return allowed.error();
  if (*allowed) return grpc::Status::OK;
  return {grpc::StatusCode::PERMISSION_DENIED,
          user->text() + " may not add evidence: create on evidence.outflow.dev is not granted"};
}

}  // namespace outflow::access
