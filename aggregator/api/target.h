// What `outflow explain` was asked about: an address, a service, or a name. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aggregator/attribution/edge.h"
#include "aggregator/inventory/snapshot.h"
#include "common/result.h"

namespace outflow::api {

// Met as a service, not as a pod behind one.
[[nodiscard]] bool is_service(const attribution::Peer& peer);

class Target {
 public:
  // "198.51.100.7", "service/NAMESPACE/NAME", or a name as `flows` shows it, with or without its
  // kind and namespace: "Deployment dbaas/mysql", "dbaas/mysql", "mysql".
  [[nodiscard]] static Result<Target> parse(const std::string& text);

  [[nodiscard]] bool matches(const net::Address& destination, const attribution::Peer& peer) const;
  // As the inventory knows it, for a target nobody talked to; nullopt when it does not.
  [[nodiscard]] std::optional<attribution::Peer> known(const inventory::Snapshot& snapshot) const;
  [[nodiscard]] bool is_address() const { return address_.has_value(); }
  [[nodiscard]] bool is_service() const { return !service_.empty(); }
  // It could be a DNS name, and those are not observed.
  [[nodiscard]] bool looks_like_dns_name() const;

 private:
  [[nodiscard]] bool is_named(const attribution::Peer& peer) const;

  std::string text_;
  std::optional<net::Address> address_;
  std::string service_;  // "NAMESPACE/NAME"; "" unless asked as a service
};

// What is known and what is not, as sentences. `target` is parsed from what was asked.
struct Known {
  const attribution::Peer& peer;
  bool seen = false;  // by any selected namespace in the window
};
[[nodiscard]] std::vector<std::string> notes_of(const Known& known, const Target& target,
                                                const inventory::Snapshot& snapshot);

}  // namespace outflow::api
