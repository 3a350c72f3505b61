// Reads a policy as YAML again and says what Calico would refuse, or take for something else.
#pragma once

#include <string>
#include <vector>

namespace outflow::testing {

// Empty when the text is comments alone, or the GlobalNetworkSets of one GlobalNetworkPolicy and
// then it, such that every Calico from 3.26 on takes them as meant. `has_domains`: for the editions
// that know names, which the open one does not.
[[nodiscard]] std::vector<std::string> defects_of_policy(const std::string& yaml,
                                                         bool has_domains = false);

}  // namespace outflow::testing
