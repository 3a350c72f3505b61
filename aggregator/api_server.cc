#include "aggregator/api_server.h"

#include <string>
#include <utility>

#include "aggregator/kube/watcher.h"
#include "common/log.h"

namespace outflow {

Result<std::unique_ptr<kube::Access>> open_access(const AggregatorConfig& config) {
  if (config.kubeconfig.empty() && config.kube_context.empty()) {
    auto access = kube::Access::in_cluster();
    if (!access) return fail(std::move(access).error().within("--kube"));
    return access;
  }
  auto access = kube::Access::from_kubeconfig(config.kubeconfig, config.kube_context);
  if (!access) return fail(std::move(access).error().within("--kubeconfig"));
  return access;
}

Result<std::unique_ptr<ApiServer>> ApiServer::open(const AggregatorConfig& config,
                                                   const Clock& clock) {
  if (!config.has_api_server()) return nullptr;
  auto access = open_access(config);
  if (!access) return fail(std::move(access).error());
  log::info("watching the cluster", {{"server", (*access)->server()}});
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(*access), clock));
}

Outside ApiServer::outside() {
  Outside outside;
  outside.ask = [this](std::string_view path, std::string_view body) -> Result<access::Reply> {
    auto reply = poster_.post(std::string(path), std::string(body));
    if (!reply) return fail(std::move(reply).error());
    return access::Reply{reply->status, std::move(reply->body)};
  };
  outside.feed = [this](inventory::Sink& sink, const std::stop_token& stop) {
    kube::Watcher(*access_, sink, clock_, {}).run(stop);
  };
  return outside;
}

}  // namespace outflow
