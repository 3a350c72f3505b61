#include "aggregator/access/enroll_service.h"

#include <utility>

#include <grpcpp/grpcpp.h>

#include "aggregator/access/users.h"
#include "common/line_budget.h"
#include "common/log.h"
#include "common/text.h"
#include "outflow/v1/enroll.grpc.pb.h"

namespace outflow::access {
namespace {

using grpc::StatusCode;

class EnrollService final : public v1::Enrollment::Service {
 public:
  EnrollService(EnrollSetup setup, Authority& authority, const Signer& signer)
      : setup_(std::move(setup)), authority_(authority), signer_(signer) {}

  grpc::Status Enroll(grpc::ServerContext* context, const v1::EnrollRequest* in,
                      v1::EnrollAnswer* out) override {
    grpc::Status status = enroll(*context, *in, *out);
    if (status.ok()) return status;
    // Anybody may ask, as often as they like.
    if (const auto not_shown = lines_.spend(std::chrono::steady_clock::now())) {
      log::warn("an agent was not enrolled", {{"peer", context->peer()},
                                              {"error", status.error_message()},
                                              {"not_shown", std::to_string(*not_shown)}});
    }
    return status;
  }

 private:
  grpc::Status enroll(const grpc::ServerContext& context, const v1::EnrollRequest& in,
                      v1::EnrollAnswer& out) {
    if (!setup_.is_tls) {
      return {StatusCode::FAILED_PRECONDITION, "enrolment needs TLS: this server is in plaintext"};
    }
    const std::string token = bearer_of(context);
    if (token.empty()) {
      return {StatusCode::UNAUTHENTICATED,
              "enrolment takes a service account token, none is shown"};
    }
    const auto user = authority_.user_of(token);
    if (!user) return user.error();
    const std::string wanted =
        "system:serviceaccount:" + setup_.namespace_name + ":" + setup_.service_account;
    if (user->name != wanted) {
      return {StatusCode::PERMISSION_DENIED,
              "the token is of " + user->name + ", agents are " + wanted};
    }
    const auto node = node_of(*user);
    if (!node) {
      return {StatusCode::PERMISSION_DENIED,
              "the token names no node: it is bound to no pod, or to one that is not known here"};
    }
    const auto signed_one = signer_.sign(in.request_pem(), *node);
    if (!signed_one) {
      const auto& failure = signed_one.error();
      return {failure.ours ? StatusCode::UNAVAILABLE : StatusCode::INVALID_ARGUMENT, failure.what};
    }
    out.set_certificate_pem(signed_one->pem);
    out.set_node(*node);
    out.set_not_after_ns(unix_ns(signed_one->not_after));
    log::info("an agent was enrolled",
              {{"node", *node}, {"until", to_text(signed_one->not_after)}});
    return grpc::Status::OK;
  }

  [[nodiscard]] std::optional<std::string> node_of(const TokenUser& user) const {
    if (!user.node.empty()) return user.node;
    if (user.pod.empty() || !setup_.node_of_pod) return std::nullopt;
    return setup_.node_of_pod(setup_.namespace_name, user.pod, user.pod_uid);
  }

  const EnrollSetup setup_;
  Authority& authority_;
  const Signer& signer_;
  log::LineBudget lines_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_enroll_service(EnrollSetup setup, Authority& authority,
                                                   const Signer& signer) {
  return std::make_unique<EnrollService>(std::move(setup), authority, signer);
}

}  // namespace outflow::access
