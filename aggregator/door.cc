#include "aggregator/door.h"

#include <utility>

#include <grpcpp/resource_quota.h>

namespace outflow {
namespace {

// What gRPC may hold at once: 5,000 agents under TLS take 1.1 to 1.4 GB (measured).
constexpr std::size_t kGrpcBytesMax = 2UL << 30U;
constexpr int kGrpcThreadsMax = 64;         // of questions and imports; agents' streams need none
constexpr int kStreamsPerConnection = 100;  // an agent has one, the CLI a few
constexpr int kHandshakeMs = 20'000;
constexpr int kPingsApartMs = 10'000;
constexpr int kKeepaliveMs = 60'000;
constexpr int kIdleMs = 300'000;

}  // namespace

Result<std::unique_ptr<Door>> Door::open(const AggregatorConfig& config, access::Ask ask,
                                         const Clock& clock, access::NodeOfPod node_of_pod) {
  std::unique_ptr<Door> door(new Door());
  if (tls::is_used(config.tls, config.listen)) {
    auto opened = tls::Credentials::open(config.tls);
    if (!opened) return fail(std::move(opened).error());
    door->credentials_ = *std::move(opened);
  }
  const bool is_tls = door->credentials_ != nullptr;
  door->agents_ = std::make_unique<access::Agents>(is_tls, config.agent_limits, clock);
  door->authority_ = std::make_unique<access::Authority>(
      access::Authority::Setup{
          .ask = std::move(ask), .audience = config.audience, .admin_groups = config.admin_groups},
      clock);
  door->users_ = std::make_unique<access::Users>(is_tls, *door->authority_);
  if (config.enroll_ca.certificate.empty()) return door;
  if (auto opened = door->open_enrolment(config, clock, std::move(node_of_pod)); !opened) {
    return fail(std::move(opened).error().within("--enroll-ca-cert"));
  }
  return door;
}

Result<void> Door::open_enrolment(const AggregatorConfig& config, const Clock& clock,
                                  access::NodeOfPod node_of_pod) {
  auto opened = access::Signer::open(config.enroll_ca, config.enroll_lifetime, clock);
  if (!opened) return fail(std::move(opened).error());
  signer_.emplace(*std::move(opened));
  enroll_service_ = access::make_enroll_service({.is_tls = credentials_ != nullptr,
                                                 .namespace_name = config.own_namespace,
                                                 .service_account = config.agent_service_account,
                                                 .node_of_pod = std::move(node_of_pod)},
                                                *authority_, *signer_);
  return {};
}

std::shared_ptr<grpc::ServerCredentials> Door::credentials() const {
  return credentials_ != nullptr ? credentials_->server() : grpc::InsecureServerCredentials();
}

std::function<TimePoint()> Door::certificate_expiry() const {
  if (credentials_ == nullptr) return {};
  return [this] { return credentials_->not_after(); };
}

void Door::bound(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("outflow");
  quota.Resize(kGrpcBytesMax);
  quota.SetMaxThreads(kGrpcThreadsMax);
  builder.SetResourceQuota(quota);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingsApartMs);
  // A peer that vanished is noticed, and one that asks nothing is sent away.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kHandshakeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMs);
}

}  // namespace outflow
