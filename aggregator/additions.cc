#include "aggregator/additions.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "aggregator/attribution/attribute.h"

namespace outflow {
namespace {

constexpr std::uint32_t kApartFlags = kFlowInferred | kFlowOtherSource;

// A pod with several addresses of its own is one source.
void join_own_addresses(store::History& history) {
  if (!history.source.namespace_name.empty() && history.source.own_address) {
    history.raw.apart &= ~std::uint32_t{kFlowOtherSource};
  }
}

store::History to_history(const Report& report, const Flow& flow, const Interface& interface,
                          const inventory::Snapshot& snapshot) {
  store::History history;
  const TimePoint time = flow.stats.last_seen;
  history.day = day_of(time);
  history.source = attribution::attribute_source(interface, flow.source, time, snapshot);
  history.peer = attribution::attribute_peer(flow.key.destination, flow.key.destination_port,
                                             flow.key.protocol, time, snapshot);
  history.stats = flow.stats;
  history.raw = {.node = report.node,
                 .interface_name = interface.name,
                 .source = flow.source,
                 .destination = flow.key.destination,
                 .port = flow.key.destination_port,
                 .protocol = flow.key.protocol,
                 .evidence = store::Evidence::Agent,
                 .apart = flow.stats.flags & kApartFlags};
  join_own_addresses(history);
  return history;
}

// A record of strangers sums whatever an address was that day: only who had it from the first
// packet to the last may have the record. Known ends are never forgotten because the inventory
// moved on.
bool find_source(store::History& history, const inventory::Snapshot& snapshot) {
  if (!history.source.namespace_name.empty()) return false;
  const store::RawTuple& raw = history.raw;
  const auto source_at = [&](TimePoint time) {
    if (raw.evidence == store::Evidence::Log) {
      return attribution::attribute_log_source(raw.interface_name, raw.source, time, snapshot);
    }
    return attribution::attribute_source({0, raw.interface_name, {}}, raw.source, time, snapshot);
  };
  attribution::Source source = source_at(history.stats.last_seen);
  if (source.namespace_name.empty() || source != source_at(history.stats.first_seen)) return false;
  history.source = std::move(source);
  join_own_addresses(history);
  return true;
}

bool find_peer(store::History& history, const inventory::Snapshot& snapshot) {
  if (!attribution::is_stranger(history.peer.kind)) return false;
  const store::RawTuple& raw = history.raw;
  const auto peer_at = [&](TimePoint time) {
    return attribution::attribute_peer(raw.destination, raw.port, raw.protocol, time, snapshot);
  };
  attribution::Peer peer = peer_at(history.stats.last_seen);
  // Who was unknown for want of an inventory may turn out to be outside of the cluster.
  const bool better =
      attribution::is_in_inventory(peer.kind) || (history.peer.reason == inventory::kNotKnownThen &&
                                                  peer.kind != attribution::PeerKind::Unknown);
  if (!better || peer != peer_at(history.stats.first_seen)) return false;
  history.peer = std::move(peer);
  name_peer(history);
  return true;
}

std::vector<store::Presence> presences_of(const Report& report,
                                          const inventory::Snapshot& snapshot) {
  std::set<std::string> namespaces;
  for (const Interface& interface : report.interfaces) {
    const auto source =
        attribution::attribute_source(interface, net::Address(), report.interval.end, snapshot);
    if (!source.namespace_name.empty()) namespaces.insert(source.namespace_name);
  }
  std::vector<store::Presence> presences;
  const Day first = std::max(day_of(report.interval.start),
                             day_of(report.interval.end) - store::kIntervalDaysMax);
  // An interval that ends at midnight does not touch the next day.
  const Day last = std::max(first, day_of(report.interval.end - nanoseconds(1)));
  for (Day day = first; day <= last; day += std::chrono::days(1)) {
    for (const std::string& name : namespaces) presences.push_back({name, report.node, day});
  }
  return presences;
}

}  // namespace

store::Addition to_addition(const Report& report, const inventory::Snapshot& snapshot) {
  store::Addition addition;
  addition.mark = {.node = report.node,
                   .boot = report.boot,
                   .sequence = report.sequence,
                   .last_end = report.interval.end,
                   .interfaces = report.interfaces.size(),
                   .agent_version = report.agent_version};
  addition.interval = report.interval;
  addition.losses = report.losses;
  addition.skipped = report.skipped;
  addition.presences = presences_of(report, snapshot);
  std::unordered_map<std::uint64_t, const Interface*> interfaces;
  for (const Interface& interface : report.interfaces) interfaces[interface.id] = &interface;
  addition.histories.reserve(report.flows.size());
  for (const Flow& flow : report.flows) {
    addition.histories.push_back(
        to_history(report, flow, *interfaces.at(flow.key.interface_id), snapshot));
  }
  return addition;
}

store::Store::LogLine to_log_line(const ingest::LogFlow& flow,
                                  const inventory::Snapshot& snapshot) {
  store::Store::LogLine line;
  line.digest = flow.digest;
  line.history.day = day_of(flow.time);
  line.history.source =
      attribution::attribute_log_source(flow.interface_name, flow.source, flow.time, snapshot);
  line.history.peer =
      attribution::attribute_peer(flow.destination, flow.port, flow.protocol, flow.time, snapshot);
  line.history.stats = ingest::stats_of(flow);
  line.history.raw = {.node = flow.node,
                      .interface_name = flow.interface_name,
                      .source = flow.source,
                      .destination = flow.destination,
                      .port = flow.port,
                      .protocol = flow.protocol,
                      .evidence = store::Evidence::Log,
                      .apart = 0};
  return line;
}

bool knows_all(const Report& report, const inventory::View& view) {
  const inventory::Snapshot& snapshot = *view.snapshot;
  if (report.interval.end > snapshot.known_until()) return false;
  if (report.interval.end <= view.as_of) return true;  // nothing about that time is told any more
  for (const Interface& interface : report.interfaces) {
    const bool known = snapshot.has_interface(interface.name) ||
                       std::any_of(interface.addresses.begin(), interface.addresses.end(),
                                   [&](const net::Address& address) {
                                     return snapshot.has_pod(address, report.interval.end);
                                   });
    if (!known) return false;
  }
  return std::all_of(report.flows.begin(), report.flows.end(), [&](const Flow& flow) {
    const net::Address& to = flow.key.destination;
    return !snapshot.in_pod_network(to) || snapshot.has_pod(to, flow.stats.last_seen);
  });
}

void name_peer(store::History& history) {
  attribution::Peer& peer = history.peer;
  if (!attribution::is_stranger(peer.kind)) {
    history.naming = {};
    return;
  }
  const bool is_named = history.naming.naming == attribution::Naming::Named ||
                        history.naming.naming == attribution::Naming::Ambiguous;
  if (peer.kind == attribution::PeerKind::Unknown || !is_named) return;
  if (history.naming.candidates.empty()) return;
  peer.kind = attribution::PeerKind::Name;
  peer.name = history.naming.candidates.front().name;
}

bool judge_again(store::History& history, const inventory::Snapshot& snapshot) {
  const bool found_source = find_source(history, snapshot);
  return find_peer(history, snapshot) || found_source;
}

}  // namespace outflow
