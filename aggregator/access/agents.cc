#include "aggregator/access/agents.h"

#include <utility>

namespace outflow::access {
namespace {

Agents::Refusal refuse(std::string reason, grpc::StatusCode code, const std::string& what) {
  return {std::move(reason), grpc::Status(code, what)};
}

}  // namespace

Agents::Admission Agents::admit(const grpc::ServerContextBase& context) {
  auto identity = identity_of(context, is_tls_);
  if (!identity) {
    return {nullptr,
            refuse("certificate", grpc::StatusCode::PERMISSION_DENIED, identity.error().what)};
  }
  if (identity->role == Role::Anonymous) {
    return {nullptr, refuse("no_certificate", grpc::StatusCode::UNAUTHENTICATED,
                            "reporting takes an agent's certificate, and none was shown")};
  }
  if (identity->role == Role::User) {
    return {nullptr, refuse("not_an_agent", grpc::StatusCode::PERMISSION_DENIED,
                            "the certificate is of " + identity->text() + ", no agent's")};
  }
  Admission admission;
  admission.stream = std::make_unique<Stream>(*this, *std::move(identity));
  return admission;
}

std::optional<Agents::Refusal> Agents::limit(Report& report) {
  const auto later = [&](std::string reason, const std::string& what) {
    return refuse(std::move(reason), grpc::StatusCode::RESOURCE_EXHAUSTED,
                  "node " + report.node + ": " + what + "; try again later");
  };
  switch (limiter_.take(report)) {
    case Limiter::Verdict::TooManyBatches:
      return later("batch_rate", "too many batches");
    case Limiter::Verdict::TooManyFlows:
      return later("flow_rate", "too many flows");
    case Limiter::Verdict::TooManyNodes:
      return later("nodes", "more nodes report than there can be");
    case Limiter::Verdict::Fine:
      break;
  }
  return std::nullopt;
}

void Agents::enter(const std::string& node, const std::stop_source& replaced) {
  std::optional<std::stop_source> before;
  {
    const MutexLock lock(mutex_);
    const auto [entry, is_new] = streams_.try_emplace(node, replaced);
    if (is_new) return;
    before = std::exchange(entry->second, replaced);
  }
  before->request_stop();  // outside the lock: it calls into the older stream
}

void Agents::leave(const std::string& node, const std::stop_source& replaced) {
  const MutexLock lock(mutex_);
  const auto found = streams_.find(node);
  if (found != streams_.end() && found->second == replaced) streams_.erase(found);
}

Agents::Stream::Stream(Agents& agents, Identity identity)
    : agents_(agents), identity_(std::move(identity)) {
  if (identity_.role == Role::Agent) agents_.enter(identity_.name, replaced_);
}

Agents::Stream::~Stream() {
  if (identity_.role == Role::Agent) agents_.leave(identity_.name, replaced_);
}

std::optional<Agents::Refusal> Agents::Stream::check(Report& report) {
  if (identity_.role != Role::Agent) return agents_.limit(report);
  if (report.node != identity_.name) {
    return refuse("other_node", grpc::StatusCode::PERMISSION_DENIED,
                  "node: " + identity_.text() + " may not report for " + report.node);
  }
  // A stream may stand for weeks; its certificate is good for a day.
  if (identity_.not_after <= agents_.clock_.now()) {
    return refuse("expired", grpc::StatusCode::UNAUTHENTICATED,
                  "the certificate of " + identity_.text() + " has expired");
  }
  return agents_.limit(report);
}

}  // namespace outflow::access
