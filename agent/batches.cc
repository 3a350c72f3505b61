#include "agent/batches.h"

#include <algorithm>
#include <set>
#include <utility>

#include "proto/wire.h"

namespace outflow::agent {
namespace {

// A report's addresses are the two of each flow; its interfaces at least those of each flow.
static_assert(wire::kFlowsMax <= wire::kInterfacesMax);
static_assert(2 * wire::kFlowsMax <= wire::kAddressesMax);

std::vector<Interface> interfaces_of(const std::vector<Flow>& flows,
                                     const std::map<std::uint32_t, Interface>& known, bool all) {
  std::vector<Interface> found;
  std::set<std::uint64_t> ids;
  for (const Flow& flow : flows) {
    const std::uint64_t id = flow.key.interface_id;
    if (!ids.insert(id).second) continue;
    const auto entry = known.find(static_cast<std::uint32_t>(id));
    // A flow whose interface nobody remembers still travels: its packets were real.
    found.push_back(entry != known.end() ? entry->second : Interface{id, "unknown", {}});
  }
  for (const auto& [id, interface] : known) {
    if (!all || found.size() >= wire::kInterfacesMax) break;
    if (ids.insert(id).second) found.push_back(interface);
  }
  return found;
}

}  // namespace

std::vector<Report> split_report(Report head, std::vector<Flow> flows,
                                 const std::map<std::uint32_t, Interface>& interfaces) {
  std::vector<Report> reports;
  auto next = flows.begin();
  do {
    const auto end =
        next + std::min(static_cast<std::ptrdiff_t>(wire::kFlowsMax), flows.end() - next);
    Report& report = reports.emplace_back(head);
    report.flows.assign(next, end);
    report.interfaces = interfaces_of(report.flows, interfaces, reports.size() == 1);
    next = end;
    // Counted once; and the rest happened in no further time.
    head.losses.clear();
    head.skipped.clear();
    head.interval.start = head.interval.end;
  } while (next != flows.end());
  return reports;
}

}  // namespace outflow::agent
