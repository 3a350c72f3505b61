// What `outflow explain` was asked about: an address, a service, or a name. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aggregator/attribution/edge.h"
#include "aggregator/inventory/snapshot.h"
#include "aggregator/store/history.h"
#include "common/result.h"

namespace outflow::api {

// Neither of the cluster nor on the pod's own link: only those can have a name.
[[nodiscard]] bool is_outside(attribution::PeerKind kind);
// Met as a service, not as a pod behind one.
[[nodiscard]] bool is_service(const attribution::Peer& peer);

class Target {
 public:
  // "198.51.100.7", "service/NAMESPACE/NAME", "pod/NAMESPACE/NAME", "namespace/NAME", a DNS name in
  // any case, with or without a final dot, "*." in front for all below it, or a name as `flows`
  // shows it, with or without its kind and namespace: "Deployment dbaas/mysql", "dbaas/mysql",
  // "mysql".
  [[nodiscard]] static Result<Target> parse(const std::string& text);

  // Of a pod only the addresses are known, and those of the pods there are now.
  void find_pod(const inventory::Snapshot& snapshot);

  [[nodiscard]] bool matches(const net::Address& destination, const attribution::Peer& peer) const;
  // The same, or a name asked about is among those it may have had or that the pod said.
  [[nodiscard]] bool matches(const store::History& history) const;
  // Whether a pod that was told this name for this address was told of the destination.
  [[nodiscard]] bool is_told(const std::string& name, const net::Address& address) const;
  // As the inventory knows it, for a target nobody talked to; nullopt when it does not.
  [[nodiscard]] std::optional<attribution::Peer> known(const inventory::Snapshot& snapshot) const;
  [[nodiscard]] bool is_address() const { return address_.has_value(); }
  [[nodiscard]] bool is_service() const { return !service_.empty(); }
  // It could be a DNS name.
  [[nodiscard]] bool looks_like_dns_name() const;

 private:
  [[nodiscard]] bool is_named(const attribution::Peer& peer) const;

  [[nodiscard]] bool is_dns_name(const std::string& name) const;

  std::string text_;
  std::optional<net::Address> address_;
  std::string service_;    // "NAMESPACE/NAME"; "" unless asked as a service
  std::string pod_;        // "NAMESPACE/NAME"; "" unless asked as a pod
  std::string namespace_;  // "" unless asked as a namespace
  std::vector<net::Address> pod_addresses_;
};

// What is known and what is not, as sentences. `target` is parsed from what was asked.
struct Known {
  const attribution::Peer& peer;
  bool seen = false;  // by any selected namespace in the window
};
[[nodiscard]] std::vector<std::string> notes_of(const Known& known, const Target& target,
                                                const inventory::Snapshot& snapshot);

}  // namespace outflow::api
