#include "aggregator/synthesis/target.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "aggregator/synthesis/describe.h"

namespace outflow::synthesis {
namespace {

using analysis::Need;
using attribution::Peer;
using attribution::PeerKind;

constexpr std::uint16_t kDnsPort = 53;
constexpr std::string_view kEquals = " == '";
constexpr std::string_view kAnd = " && ";
constexpr std::size_t kSelectorMax = 1024;  // CRD limit from 3.33

// Letters, digits and `others`.
bool consists_of(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
  });
}

bool is_safe_term(std::string_view term) {
  const std::size_t equals = term.find(kEquals);
  if (equals == std::string_view::npos || equals == 0 || term.back() != '\'') return false;
  const std::size_t start = equals + kEquals.size();
  if (start >= term.size()) return false;
  return consists_of(term.substr(0, equals), "_./-") &&
         consists_of(term.substr(start, term.size() - 1 - start), "_.-");
}

// A service the workload stands behind, as "namespace/name".
std::optional<std::pair<std::string, std::string>> service_behind(const Peer& peer) {
  const std::size_t slash = peer.service.find('/');
  if (slash == std::string::npos) return std::nullopt;
  std::pair<std::string, std::string> found(peer.service.substr(0, slash),
                                            peer.service.substr(slash + 1));
  const bool usable =
      is_kubernetes_name(found.first, false) && is_kubernetes_name(found.second, true);
  return usable ? std::optional(std::move(found)) : std::nullopt;
}

Target target_of_workload(const Need& need) {
  const Peer& peer = need.peer;
  Target target{.form = Form::Pods, .namespace_name = peer.namespace_name, .name = {}};
  if (is_safe_selector(peer.selector)) {
    target.name = peer.selector;
  } else if (const auto service = service_behind(peer); service && has_ports(need.protocol)) {
    target.form = Form::Service;
    std::tie(target.namespace_name, target.name) = *service;
  }
  return target;
}

Target target_of_kind(const Need& need) {
  const Peer& peer = need.peer;
  switch (peer.kind) {
    case PeerKind::Service:
      return {.form = Form::Service, .namespace_name = peer.namespace_name, .name = peer.name};
    case PeerKind::ApiServer:
      return {.form = Form::Service, .namespace_name = "default", .name = "kubernetes"};
    case PeerKind::Workload:
      return target_of_workload(need);
    case PeerKind::Namespace:
      return {.form = Form::Pods, .namespace_name = peer.namespace_name, .name = {}};
    case PeerKind::Name:
      return {.form = Form::Name, .namespace_name = {}, .name = peer.name};
    default:
      return {.form = Form::Nets, .namespace_name = {}, .name = attribution::display_name(peer)};
  }
}

// A target port is a number, or the name a container gave to one.
bool leads_to(const inventory::ServicePort& service_port, const Need& need,
              const inventory::Snapshot& snapshot) {
  if (service_port.target_port == std::to_string(need.port)) return true;
  const inventory::PodPtr pod = snapshot.pod_by_address(need.peer.address, need.stats.last_seen);
  if (pod == nullptr) return false;
  return std::any_of(pod->ports.begin(), pod->ports.end(), [&](const inventory::NamedPort& port) {
    return port.name == service_port.target_port && port.number == need.port;
  });
}

}  // namespace

Target target_of(const Need& need, const inventory::Snapshot& snapshot) {
  Target target = target_of_kind(need);
  if (target.form == Form::Service && !has_ports(need.protocol)) {
    // The set behind `services` holds address, protocol and port: an echo is never in it.
    target = {
        .form = Form::Nets, .namespace_name = {}, .name = attribution::display_name(need.peer)};
  }
  if (target.form != Form::Service) {
    target.dns = is_dns(need, snapshot);
    target.one_way = !target.dns && proof_of(need) == analysis::Proof::OneWay;
  }
  return target;
}

bool is_dns(const Need& need, const inventory::Snapshot& snapshot) {
  if (need.protocol != Protocol::Udp && need.protocol != Protocol::Tcp) return false;
  if (need.port == kDnsPort) return true;
  const auto name = service_behind(need.peer);
  if (need.peer.kind != PeerKind::Workload || !name) return false;
  const inventory::Service* service = snapshot.service(name->first, name->second);
  if (service == nullptr) return false;
  return std::any_of(service->ports.begin(), service->ports.end(),
                     [&](const inventory::ServicePort& port) {
                       return port.port == kDnsPort && port.protocol == need.protocol &&
                              leads_to(port, need, snapshot);
                     });
}

bool is_to_port(const inventory::ServicePort& service_port, const Need& need,
                const inventory::Snapshot& snapshot) {
  const bool same = service_port.port == need.port;
  if (need.peer.kind == PeerKind::Service) return same;
  const bool either = need.peer.kind == PeerKind::ApiServer && same;
  return either || leads_to(service_port, need, snapshot);
}

bool is_safe_selector(const std::string& selector) {
  if (selector.size() > kSelectorMax) return false;
  for (std::string_view rest = selector;;) {
    const std::size_t end = rest.find(kAnd);
    if (!is_safe_term(rest.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    rest.remove_prefix(end + kAnd.size());
  }
}

}  // namespace outflow::synthesis
