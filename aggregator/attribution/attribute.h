// Raw tuple -> who and to whom, as one snapshot of the inventory knows it. Pure; never guesses.
//
// `time` is the flow's: an address has one owner after another, and who has it today is nobody's
// answer for last week. What was seen when the inventory was not known (its feed had failed, or had
// not told all yet) is Unknown and says so, unless Calico's interface name tells who it was.
#pragma once

#include "aggregator/attribution/edge.h"
#include "aggregator/inventory/snapshot.h"
#include "common/flow.h"

namespace outflow::attribution {

// The pod behind an interface: by Calico's interface name, and where the name is of another form by
// the addresses the node routes to it. `packet_source` is what packets claim: it never identifies,
// it is only held against the pod's own addresses (host routes and inventory).
[[nodiscard]] Source attribute_source(const Interface& interface, const net::Address& packet_source,
                                      TimePoint time, const inventory::Snapshot& snapshot);

// The source of a log line, which has an address and perhaps an interface name ("" when not): by
// the name, and where no pod of the inventory has it (its pod is gone by now, as the line is old)
// by the address.
[[nodiscard]] Source attribute_log_source(std::string_view interface_name,
                                          const net::Address& source, TimePoint time,
                                          const inventory::Snapshot& snapshot);

[[nodiscard]] Peer attribute_peer(const net::Address& destination, std::uint16_t port,
                                  Protocol protocol, TimePoint time,
                                  const inventory::Snapshot& snapshot);

}  // namespace outflow::attribution
