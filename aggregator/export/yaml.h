// Policy -> YAML text. Stable order, every string quoted unless it cannot be read as anything else.
#pragma once

#include <string>

#include "aggregator/synthesis/policy.h"
#include "common/result.h"

namespace outflow::exporting {

// Comments, then a document for each set and one for the policy, "---" between them; ends with a
// newline. A policy without rules is comments alone. Refused is a policy with a rule that is not
// well formed, or that its dialect does not know: of `domains` Calico's open edition would leave a
// rule that allows everything.
[[nodiscard]] Result<std::string> to_yaml(const synthesis::GlobalNetworkPolicy& policy);

// One document; ends with a newline.
[[nodiscard]] std::string to_yaml(const synthesis::GlobalNetworkSet& set);

}  // namespace outflow::exporting
