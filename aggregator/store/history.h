// What is kept: a raw tuple on one UTC day and the peer it went to. A tuple whose address passes to
// another peer within the day has a record for each.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aggregator/attribution/edge.h"
#include "aggregator/attribution/naming.h"
#include "common/flow.h"
#include "common/names.h"

namespace outflow::store {

enum class Evidence : std::uint8_t { Agent = 0, Log = 1 };

// What was on the wire; nothing in it depends on the inventory.
struct RawTuple {
  std::string node;
  std::string interface_name;
  net::Address source;  // of the first packet
  net::Address destination;
  std::uint16_t port = 0;
  Protocol protocol{};
  Evidence evidence = Evidence::Agent;
  // Flows that may not be judged like the others are kept apart from them: kFlowInferred and
  // kFlowOtherSource of their flags.
  std::uint32_t apart = 0;

  friend auto operator<=>(const RawTuple&, const RawTuple&) = default;
};

struct History {
  Day day{};
  RawTuple raw;
  attribution::Source source;
  attribution::Peer peer;
  attribution::NameEvidence naming = {};
  FlowStats stats;
};

// A name and an address that one pod was told together, on one day. Of pods nobody knew the
// namespace is "".
struct NameRecord {
  Day day{};
  std::string namespace_name;
  std::string name;
  net::Address address;
  std::string node;
  std::string interface_name;
  // What is told about these, joined: the newest wins, counts are summed.
  std::string pod;
  std::string target;     // end of the CNAMEs; "" when the name itself
  net::Address resolver;  // the last one
  bool trusted = false;  // at least one answer came from a resolver whose answers may open a policy
  std::uint32_t ttl_s = 0;
  std::uint32_t flags = 0;    // NameFlag
  std::uint64_t answers = 0;  // messages
  TimePoint first_answered{};
  TimePoint last_answered{};
  TimePoint last_trusted{};  // of the answers that are trusted; epoch: none
  BootId boot{};             // with the interface's id: which of the pods that had this interface
  std::uint64_t interface_id = 0;
};

// How well one node was watched on one day.
struct NodeDay {
  std::string node;
  Day day{};
  nanoseconds covered{0};  // sum of reported intervals, clipped to the day
  std::map<std::string, std::uint64_t> losses;
  std::map<std::string, std::uint64_t> skipped;

  // Adds up what may have cost a name: no flow is missing because of it.
  void add_name_losses(std::map<std::string, std::uint64_t>& sums) const {
    for (const auto* counts : {&losses, &skipped}) {
      for (const auto& [reason, count] : *counts) {
        if (count > 0 && is_name_loss(reason)) sums[reason] += count;
      }
    }
  }
};

// A namespace had a hooked interface on a node that day.
struct Presence {
  std::string namespace_name;
  std::string node;
  Day day{};
};

// Where a node's stream of batches stands.
struct NodeMark {
  std::string node;
  BootId boot{};
  std::uint64_t sequence = 0;
  TimePoint last_end{};
  std::uint64_t interfaces = 0;
  std::string agent_version;
};

}  // namespace outflow::store
