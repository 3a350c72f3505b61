#include "aggregator/api/target.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/attribution/attribute.h"
#include "common/net/prefix.h"

namespace outflow::api {
namespace {

using attribution::Peer;
using attribution::PeerKind;

constexpr std::string_view kServicePrefix = "service/";
constexpr std::string_view kPodPrefix = "pod/";
constexpr std::string_view kNamespacePrefix = "namespace/";
constexpr std::string_view kBelow = "*.";

// "NAMESPACE/NAME" after the prefix.
Result<std::string> two_parts(const std::string& text, std::string_view prefix) {
  const std::string rest = text.substr(prefix.size());
  const std::size_t slash = rest.find('/');
  const bool good = slash != std::string::npos && slash > 0 && slash + 1 < rest.size() &&
                    rest.find('/', slash + 1) == std::string::npos;
  if (!good) {
    return fail(fmt::format("destination: '{}' is not {}NAMESPACE/NAME", text, prefix));
  }
  return rest;
}

// As names are kept: lower case, no final dot.
std::string as_dns_name(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (text.size() > 1 && text.back() == '.') text.pop_back();
  return text;
}

// What a person pastes that would be looked for as a name, and found nowhere; "" when it is none.
std::string why_no_destination(const std::string& text) {
  if (text.front() == ' ' || text.back() == ' ') return "has spaces around it";
  if (text.find("://") != std::string::npos) return "is a URL: ask for its host";
  if (net::Prefix::parse(text) && !net::Address::parse(text)) {
    return "is a range: ask for an address";
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || net::Address::parse(text)) return "";
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return net::Address::parse(host) ? "has a port: ask for the address" : "";
}

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

}  // namespace

bool is_outside(PeerKind kind) {
  return kind == PeerKind::Name || kind == PeerKind::Provider || kind == PeerKind::Private ||
         kind == PeerKind::External;
}

bool is_service(const Peer& peer) {
  return peer.kind == PeerKind::Service || peer.kind == PeerKind::ApiServer;
}

Result<Target> Target::parse(const std::string& text) {
  if (text.empty()) return fail("destination: is empty");
  if (const std::string why = why_no_destination(text); !why.empty()) {
    return fail(fmt::format("destination: '{}' {}", text, why));
  }
  Target target;
  target.text_ = text;
  if (const auto address = net::Address::parse(text)) target.address_ = *address;
  if (text.starts_with(kServicePrefix)) {
    auto service = two_parts(text, kServicePrefix);
    if (!service) return fail(std::move(service).error());
    target.service_ = *std::move(service);
  } else if (text.starts_with(kPodPrefix)) {
    auto pod = two_parts(text, kPodPrefix);
    if (!pod) return fail(std::move(pod).error());
    target.pod_ = *std::move(pod);
  } else if (text.starts_with(kNamespacePrefix)) {
    target.namespace_ = text.substr(kNamespacePrefix.size());
    if (target.namespace_.empty()) return fail("destination: 'namespace/' names none");
  }
  if (target.looks_like_dns_name()) target.text_ = as_dns_name(text);
  return target;
}

void Target::find_pod(const inventory::Snapshot& snapshot) {
  if (pod_.empty()) return;
  for (const auto& pod : snapshot.pods_of(pod_.substr(0, pod_.find('/')))) {
    if (pod->namespace_name + "/" + pod->name == pod_) pod_addresses_ = pod->addresses;
  }
}

bool Target::is_named(const Peer& peer) const {
  return text_ == attribution::display_name(peer) || text_ == peer.name || text_ == full_name(peer);
}

bool Target::matches(const net::Address& destination, const Peer& peer) const {
  if (address_) return destination == *address_;
  if (!namespace_.empty()) return peer.namespace_name == namespace_;
  if (!pod_.empty()) {
    return peer.kind == PeerKind::Workload &&
           peer.namespace_name == pod_.substr(0, pod_.find('/')) &&
           std::find(pod_addresses_.begin(), pod_addresses_.end(), destination) !=
               pod_addresses_.end();
  }
  if (service_.empty())
    return is_named(peer) || (peer.kind == PeerKind::Name && is_dns_name(peer.name));
  return (api::is_service(peer) && full_name(peer) == service_) || peer.service == service_;
}

bool Target::is_dns_name(const std::string& name) const {
  if (!looks_like_dns_name()) return false;
  return text_.starts_with(kBelow) ? name.ends_with(text_.substr(1)) : name == text_;
}

bool Target::matches(const store::History& history) const {
  if (matches(history.raw.destination, history.peer)) return true;
  const auto is_asked = [this](const auto& one) { return is_dns_name(one.name); };
  const auto& naming = history.naming;
  return std::any_of(naming.candidates.begin(), naming.candidates.end(), is_asked) ||
         std::any_of(naming.said.begin(), naming.said.end(), is_asked);
}

bool Target::is_told(const std::string& name, const net::Address& address) const {
  return address_ ? address == *address_ : is_dns_name(name);
}

std::optional<Peer> Target::known(const inventory::Snapshot& snapshot) const {
  if (address_) {
    Peer peer =
        attribution::attribute_peer(*address_, 0, Protocol::Tcp, snapshot.as_of(), snapshot);
    peer.address = *address_;
    return peer;
  }
  if (!namespace_.empty()) {
    Peer peer;
    peer.kind = PeerKind::Namespace;
    peer.namespace_name = namespace_;
    if (snapshot.namespace_named(namespace_) == nullptr) return std::nullopt;
    return peer;
  }
  if (!pod_.empty()) {
    for (const auto& pod : snapshot.pods_of(pod_.substr(0, pod_.find('/')))) {
      if (pod->namespace_name + "/" + pod->name == pod_) return workload_peer(*pod);
    }
    return std::nullopt;
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
  return !address_ && service_.empty() && pod_.empty() && namespace_.empty() &&
         text_.find('.') != std::string::npos && text_.find_first_of(" /") == std::string::npos;
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
      break;
    case PeerKind::External:
    case PeerKind::Provider:
      notes.emplace_back(
          "a public address may serve many tenants, and another one tomorrow: check what the "
          "workload was configured to dial before allowing it");
      break;
    case PeerKind::Metadata:
      notes.emplace_back(
          "a cloud's instance metadata: it hands out credentials and never gets a rule by itself");
      break;
    case PeerKind::Unknown:
      if (target.looks_like_dns_name()) {
        notes.emplace_back(
            "if this is a DNS name: no pod that you may ask about was seen to be told it");
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
