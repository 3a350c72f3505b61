#include "aggregator/api/target.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/attribution/attribute.h"

namespace outflow::api {
namespace {

using attribution::Peer;
using attribution::PeerKind;

constexpr std::string_view kServicePrefix = "service/";

std::string full_name(const Peer& peer) {
  return peer.namespace_name.empty() ? peer.name : peer.namespace_name + "/" + peer.name;
}

Peer service_peer(const inventory::Service& service) {
  Peer peer;
  const bool api_server = service.namespace_name == "default" && service.name == "kubernetes";
  peer.kind = api_server ? PeerKind::ApiServer : PeerKind::Service;
  peer.namespace_name = service.namespace_name;
  peer.name = service.name;
  if (!service.cluster_addresses.empty()) peer.address = service.cluster_addresses.front();
  return peer;
}

Peer workload_peer(const inventory::Pod& pod) {
  Peer peer;
  peer.kind = PeerKind::Workload;
  peer.namespace_name = pod.namespace_name;
  peer.name = pod.workload.name;
  peer.workload_kind = pod.workload.kind;
  return peer;
}

std::string ports_text(const inventory::Service& service) {
  std::vector<std::string> ports;
  for (const auto& port : service.ports) {
    ports.push_back(
        fmt::format("{}/{} -> {}", port.port, to_text(port.protocol),
                    port.target_port.empty() ? std::to_string(port.port) : port.target_port));
  }
  return fmt::format("{}", fmt::join(ports, ", "));
}

std::string endpoints_text(const inventory::Service& service, const inventory::Snapshot& snapshot) {
  constexpr std::size_t kShown = 5;
  std::vector<std::string> endpoints;
  for (const auto& endpoint : snapshot.model().endpoints) {
    if (endpoint.namespace_name != service.namespace_name || endpoint.service != service.name)
      continue;
    endpoints.push_back(fmt::format("{} port {}", endpoint.address.to_string(), endpoint.port));
  }
  if (endpoints.empty()) return "it has no endpoints";
  const std::size_t more = endpoints.size() - std::min(endpoints.size(), kShown);
  endpoints.resize(endpoints.size() - more);
  return fmt::format("endpoints: {}{}", fmt::join(endpoints, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

void note_service(const Peer& peer, const inventory::Snapshot& snapshot,
                  std::vector<std::string>& notes) {
  const auto* const service = snapshot.service(peer.namespace_name, peer.name);
  if (service == nullptr) {
    notes.emplace_back("the inventory no longer has this service");
    return;
  }
  notes.push_back(fmt::format("{} service, ports {}", service->type, ports_text(*service)));
  notes.push_back(endpoints_text(*service, snapshot));
  notes.emplace_back("policy sees it after DNAT, as its endpoints and target ports");
}

void note_workload(const Peer& peer, const inventory::Snapshot& snapshot,
                   std::vector<std::string>& notes) {
  std::size_t pods = 0;
  for (const auto& pod : snapshot.pods_of(peer.namespace_name)) {
    pods += pod->workload.kind == peer.workload_kind && pod->workload.name == peer.name ? 1 : 0;
  }
  notes.push_back(fmt::format("{} pods of it in the inventory", pods));
  if (!peer.service.empty())
    notes.push_back("reached at its own address; behind service " + peer.service);
  if (peer.selector.empty()) {
    notes.emplace_back("its labels give no lasting selector");
  } else {
    notes.push_back("selector: " + peer.selector);
  }
}

constexpr std::string_view kNoName =
    "no name is known for this address: names are not observed yet, and reverse DNS is no evidence";

}  // namespace

bool is_service(const Peer& peer) {
  return peer.kind == PeerKind::Service || peer.kind == PeerKind::ApiServer;
}

Result<Target> Target::parse(const std::string& text) {
  if (text.empty()) return fail("destination: is empty");
  Target target;
  target.text_ = text;
  if (const auto address = net::Address::parse(text)) target.address_ = *address;
  if (text.starts_with(kServicePrefix)) {
    target.service_ = text.substr(kServicePrefix.size());
    const std::size_t slash = target.service_.find('/');
    const bool two_parts = slash != std::string::npos && slash > 0 &&
                           slash + 1 < target.service_.size() &&
                           target.service_.find('/', slash + 1) == std::string::npos;
    if (!two_parts) {
      return fail(fmt::format("destination: '{}' is not service/NAMESPACE/NAME", text));
    }
  }
  return target;
}

bool Target::is_named(const Peer& peer) const {
  return text_ == attribution::display_name(peer) || text_ == peer.name || text_ == full_name(peer);
}

bool Target::matches(const net::Address& destination, const Peer& peer) const {
  if (address_) return destination == *address_;
  if (service_.empty()) return is_named(peer);
  return (api::is_service(peer) && full_name(peer) == service_) || peer.service == service_;
}

std::optional<Peer> Target::known(const inventory::Snapshot& snapshot) const {
  if (address_) {
    Peer peer =
        attribution::attribute_peer(*address_, 0, Protocol::Tcp, snapshot.as_of(), snapshot);
    peer.address = *address_;
    return peer;
  }
  for (const auto& service : snapshot.model().services) {
    const Peer peer = service_peer(service);
    if (service_.empty() ? is_named(peer) : full_name(peer) == service_) return peer;
  }
  if (!service_.empty()) return std::nullopt;
  for (const auto& pod : snapshot.pods()) {
    const Peer peer = workload_peer(*pod);
    if (is_named(peer)) return peer;
  }
  return std::nullopt;
}

bool Target::looks_like_dns_name() const {
  return !address_ && service_.empty() && text_.find('.') != std::string::npos &&
         text_.find_first_of(" /") == std::string::npos;
}

std::vector<std::string> notes_of(const Known& known, const Target& target,
                                  const inventory::Snapshot& snapshot) {
  std::vector<std::string> notes;
  const Peer& peer = known.peer;
  switch (peer.kind) {
    case PeerKind::Service:
      note_service(peer, snapshot, notes);
      break;
    case PeerKind::ApiServer:
      notes.emplace_back("the cluster's API server");
      break;
    case PeerKind::Workload:
      note_workload(peer, snapshot, notes);
      break;
    case PeerKind::Private:
      notes.emplace_back(
          "a private address that is neither pod, service nor node: outside the cluster");
      notes.emplace_back(kNoName);
      break;
    case PeerKind::External:
      notes.emplace_back(kNoName);
      notes.emplace_back(
          "a public address may serve many tenants, and another one tomorrow: check what the "
          "workload "
          "was configured to dial before allowing it");
      break;
    case PeerKind::Metadata:
      notes.emplace_back(
          "a cloud's instance metadata: it hands out credentials and never gets a rule by itself");
      break;
    case PeerKind::Unknown:
      if (target.looks_like_dns_name()) {
        notes.emplace_back("if this is a DNS name: names are not observed yet, ask for an address");
      }
      break;
    default:
      break;
  }
  if (!known.seen)
    notes.emplace_back("no namespace asked about was seen talking to it in the window");
  return notes;
}

}  // namespace outflow::api
