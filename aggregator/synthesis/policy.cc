#include "aggregator/synthesis/policy.h"

namespace outflow::synthesis {

bool is_well_formed(const Rule& rule) {
  const int peers = (rule.service ? 1 : 0) + (rule.pods ? 1 : 0) + (rule.nets ? 1 : 0);
  if (rule.action == Action::Deny) return peers == 0 && rule.ports.empty();
  if (peers != 1) return false;
  if (rule.service) {
    return !rule.service->name.empty() && !rule.service->namespace_name.empty() &&
           rule.ports.empty();
  }
  if (rule.pods) return !rule.pods->namespace_selector.empty();
  return !rule.nets->nets.empty() && rule.nets->nets.size() <= kNetsMax;
}

bool is_system_namespace(std::string_view namespace_name, std::string_view own_namespace) {
  return namespace_name.starts_with("kube-") || namespace_name.starts_with("calico-") ||
         namespace_name.starts_with("tigera-") || namespace_name == own_namespace;
}

}  // namespace outflow::synthesis
