#include "agent/seed.h"

#include <map>
#include <optional>
#include <set>
#include <unordered_map>

namespace outflow::agent {
namespace {

// Whose an address is; nothing for one that several interfaces share.
using Owners = std::unordered_map<net::Address, std::optional<std::uint64_t>>;

Owners owners_of(std::span<const OwnAddresses> interfaces) {
  Owners owners;
  for (const OwnAddresses& interface : interfaces) {
    for (const net::Address& address : interface.addresses) {
      const auto [owner, added] = owners.try_emplace(address, interface.interface_id);
      if (!added && owner->second != interface.interface_id) owner->second.reset();
    }
  }
  return owners;
}

}  // namespace

Seed seed_from(std::span<const OwnAddresses> interfaces,
               std::span<const Conversation> conversations) {
  Seed seed;
  const Owners owners = owners_of(interfaces);
  std::map<FlowKey, OpenedBefore> opened;
  std::set<InboundBefore> inbound;
  for (const Conversation& said : conversations) {
    const auto opener = owners.find(said.original.source);
    const auto answerer = owners.find(said.reply.source);
    const bool opens = opener != owners.end();
    const bool answers = answerer != owners.end();
    if (!opens && !answers) continue;
    if ((opens && !opener->second) || (answers && !answerer->second)) ++seed.shared;
    if (said.picked_up) {
      ++seed.undirected;
      continue;
    }
    if (opens && opener->second) {
      const FlowKey key{*opener->second, said.original.destination, said.original.destination_port,
                        said.protocol};
      const auto row =
          opened.try_emplace(key, OpenedBefore{key, said.original.source, false}).first;
      row->second.established = row->second.established || said.replied;
    }
    if (answers && answerer->second) {
      inbound.insert({*answerer->second, said.reply.destination, said.reply.destination_port,
                      said.reply.source_port, said.protocol});
    }
  }
  seed.opened.reserve(opened.size());
  for (const auto& [key, row] : opened) seed.opened.push_back(row);
  seed.inbound.assign(inbound.begin(), inbound.end());
  return seed;
}

}  // namespace outflow::agent
