#include "agent/seeder.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/conntrack.h"
#include "agent/sockets.h"
#include "common/log.h"

namespace outflow::agent {
namespace {

void copy_address(const net::Address& address, std::uint8_t (&to)[16]) {
  std::copy(address.bytes().begin(), address.bytes().end(), to);
}

flow_key to_row_key(const FlowKey& key) {
  flow_key row{};
  copy_address(key.destination, row.destination);
  row.interface_id = static_cast<std::uint32_t>(key.interface_id);
  row.destination_port = htons(key.destination_port);
  row.protocol = static_cast<std::uint8_t>(key.protocol);
  return row;
}

flow_stats to_row(const OpenedBefore& opened, std::uint32_t jiffies) {
  flow_stats row{};
  row.established = opened.established ? 1 : 0;
  row.flags_refused = FLOW_PRE_EXISTING;
  row.first_jiffies = row.last_jiffies = jiffies;
  std::uint32_t words[4];
  std::memcpy(words, opened.source.bytes().data(), sizeof words);
  row.source_tag = source_tag_of(words);
  return row;
}

inbound_kind kind_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::Udp:
      return INBOUND_UDP;
    case Protocol::Tcp:
      return INBOUND_TCP;
    case Protocol::Sctp:
      return INBOUND_SCTP;
    default:
      return INBOUND_OTHER;
  }
}

inbound_key to_row_key(const InboundBefore& inbound) {
  inbound_key row{};
  copy_address(inbound.peer, row.peer);
  const inbound_kind kind = kind_of(inbound.protocol);
  row.interface_kind = static_cast<std::uint32_t>(inbound.interface_id) |
                       static_cast<std::uint32_t>(kind) << INBOUND_KIND_SHIFT;
  row.peer_port = htons(inbound.peer_port);
  row.local_port = kind == INBOUND_OTHER ? static_cast<std::uint8_t>(inbound.protocol)
                                         : htons(inbound.local_port);
  return row;
}

std::vector<OwnAddresses> owners(const std::vector<OldInterface>& interfaces) {
  std::vector<OwnAddresses> all;
  for (const OldInterface& interface : interfaces) {
    all.push_back({interface.id, interface.addresses});
  }
  return all;
}

Result<ConntrackDump> ask_conntrack(const std::vector<OwnAddresses>& interfaces) {
  ConntrackQuery query;
  for (const OwnAddresses& interface : interfaces) {
    query.addresses.insert(interface.addresses.begin(), interface.addresses.end());
  }
  return dump_conntrack(query);
}

// The whole address behind an IPv6 source's tag, as the kernel keeps it.
void remember_source(const Tables& tables, const OpenedBefore& opened, const flow_stats& row) {
  if (opened.source.is_v4()) return;
  const source_key key{static_cast<std::uint32_t>(opened.key.interface_id), row.source_tag};
  source_address address{};
  copy_address(opened.source, address.bytes);
  bpf_map_update_elem(tables.sources(), &key, &address, BPF_NOEXIST);
}

}  // namespace

// What the sockets of one namespace say is true of the one pod in it: of a conversation between two
// pods the one that accepted does not know what address the other dialled.
std::vector<Seed> Seeder::ask_sockets(const std::vector<OldInterface>& interfaces) const {
  std::vector<Seed> seeds;
  if (netns_dir_.empty()) return seeds;
  auto dump = dump_sockets(netns_dir_);
  if (!dump) {
    log::warn("the pods' sockets are not known", {{"error", dump.error().what}});
    return seeds;
  }
  if (dump->unreadable > 0) {
    log::warn("some network namespaces could not be read",
              {{"count", std::to_string(dump->unreadable)}, {"last", dump->why_unreadable}});
  }
  for (const NamespaceSockets& space : dump->namespaces) {
    for (const OldInterface& interface : interfaces) {
      if (interface.peer_nsid != space.nsid) continue;
      const OwnAddresses own{interface.id, interface.addresses};
      seeds.push_back(seed_from({&own, 1}, space.conversations));
    }
  }
  return seeds;
}

void Seeder::write(const Seed& seed, std::uint32_t jiffies, Outcome& outcome) const {
  for (const InboundBefore& inbound : seed.inbound) {
    ++(probe_.remember(to_row_key(inbound)) ? outcome.inbound : outcome.no_room);
  }
  for (const OpenedBefore& opened : seed.opened) {
    const flow_key key = to_row_key(opened.key);
    const flow_stats row = to_row(opened, jiffies);
    const int error = bpf_map_update_elem(tables_.flows(), &key, &row, BPF_NOEXIST);
    if (error == 0) {
      remember_source(tables_, opened, row);
      ++outcome.opened;
    } else if (error != -EEXIST || !probe_.confirm(key)) {
      ++outcome.no_room;
    }
  }
}

Seeder::Outcome Seeder::seed(const std::vector<OldInterface>& interfaces) const {
  Outcome outcome;
  std::vector<Seed> seeds = ask_sockets(interfaces);
  const std::vector<OwnAddresses> own = owners(interfaces);
  if (auto dump = ask_conntrack(own); !dump) {
    log::warn("conntrack does not tell of older conversations", {{"error", dump.error().what}});
  } else {
    outcome.told = !dump->absent && !dump->interrupted && dump->beyond_max == 0;
    outcome.no_room += dump->beyond_max;
    seeds.push_back(seed_from(own, dump->conversations));
  }
  const auto reading = probe_.read_clock();
  const std::uint32_t jiffies = reading ? static_cast<std::uint32_t>(reading->jiffies) : 0;
  std::uint64_t undirected = 0;
  std::uint64_t shared = 0;
  for (const Seed& seed : seeds) {
    write(seed, jiffies, outcome);
    undirected += seed.undirected;
    shared += seed.shared;
  }
  log::info("looked up conversations older than their hooks",
            {{"interfaces", std::to_string(interfaces.size())},
             {"conntrack", outcome.told ? "told" : "told not all"},
             {"opened", std::to_string(outcome.opened)},
             {"inbound", std::to_string(outcome.inbound)},
             {"undirected", std::to_string(undirected)},
             {"shared_address", std::to_string(shared)}});
  return outcome;
}

std::set<FlowKey> Seeder::standing(const std::map<std::uint32_t, Interface>& interfaces) const {
  std::vector<OwnAddresses> own;
  for (const auto& [id, interface] : interfaces) own.push_back({id, interface.addresses});
  std::set<FlowKey> keys;
  const auto dump = ask_conntrack(own);
  if (!dump) return keys;
  for (const OpenedBefore& opened : seed_from(own, dump->conversations).opened) {
    keys.insert(opened.key);
  }
  return keys;
}

}  // namespace outflow::agent
