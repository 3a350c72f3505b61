// Reads a policy as YAML again and says what Calico would refuse, or take for something else.
#pragma once

#include <string>
#include <vector>

namespace outflow::testing {

// Empty when the text is one GlobalNetworkPolicy that every Calico from 3.26 on takes as meant, or
// comments alone.
[[nodiscard]] std::vector<std::string> defects_of_policy(const std::string& yaml);

}  // namespace outflow::testing
