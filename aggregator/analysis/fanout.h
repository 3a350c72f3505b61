// Counts whom a namespace talks to, ports aside. Pure.
#pragma once

#include <span>
#include <string>

#include "aggregator/analysis/finding.h"

namespace outflow::analysis {

// Whether the peer lives in the namespace itself: its services, workloads, any of its pods.
[[nodiscard]] bool is_own(const attribution::Peer& peer, const std::string& namespace_name);

// Who the peer was before names and ranges: a bare address. Peers of the cluster stay who they are.
[[nodiscard]] attribution::Peer without_name(const store::History& history);

// `apart` feeds `inferred` alone: peers never seen otherwise than mid-conversation.
[[nodiscard]] Fanout fanout_of(const std::string& namespace_name, std::span<const Need> needs,
                               std::span<const Need> apart);

}  // namespace outflow::analysis
