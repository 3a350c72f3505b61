// How a rule names a peer, and what shares a rule. Pure.
#pragma once

#include <compare>
#include <string>

#include "aggregator/analysis/finding.h"
#include "aggregator/inventory/snapshot.h"

namespace outflow::synthesis {

enum class Form : std::uint8_t { Service, Pods, Nets, Name };

// Needs of one target and one protocol share a rule.
struct Target {
  Form form = Form::Nets;
  std::string namespace_name;  // Service, Pods
  std::string
      name;  // Service: its name; Pods: the selector; Nets: the display name; Name: the class
  bool dns = false;      // Pods, Nets, Name: DNS has rules of its own
  bool one_way = false;  // Pods, Nets, Name: proven and one-way traffic are kept apart
  friend auto operator<=>(const Target&, const Target&) = default;
};

// A workload is met by its stable labels, without them by a service it stands behind, and without
// that by its whole namespace.
[[nodiscard]] Target target_of(const analysis::Need& need, const inventory::Snapshot& snapshot);

// Port 53, or the port of a pod that a service translates its port 53 to.
[[nodiscard]] bool is_dns(const analysis::Need& need, const inventory::Snapshot& snapshot);

// Whether traffic to the need's port is traffic to that port of the service: dialled by its own
// number, or at the port of the pod it is translated to.
[[nodiscard]] bool is_to_port(const inventory::ServicePort& service_port,
                              const analysis::Need& need, const inventory::Snapshot& snapshot);

// Nothing but `key == 'value'` joined by &&. Calico's selectors know no escapes: a value that holds
// a quote would end its string and say something else.
[[nodiscard]] bool is_safe_selector(const std::string& selector);

}  // namespace outflow::synthesis
