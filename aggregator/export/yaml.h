// Policy -> YAML text. Stable order, every string quoted unless it cannot be read as anything else.
#pragma once

#include <string>

#include "aggregator/synthesis/policy.h"

namespace outflow::exporting {

// Comments, then one document; ends with a newline. A policy without rules is comments alone.
[[nodiscard]] std::string to_yaml(const synthesis::GlobalNetworkPolicy& policy);

}  // namespace outflow::exporting
