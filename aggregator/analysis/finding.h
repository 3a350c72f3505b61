// What the evidence of a window says about one namespace.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aggregator/store/history.h"

namespace outflow::analysis {

// One class of destination a namespace uses: peer, port and protocol, with all its evidence.
// Peers are told apart by their class, not by pod or by source: two pods dialling one service are
// one need. For a workload peer that is (namespace, workload); for externals the address.
struct Need {
  attribution::Peer peer;  // of the latest record; `addresses` has every address it was met under
  std::uint16_t port = 0;
  Protocol protocol{};
  FlowStats stats;
  std::set<Day> days;
  std::set<net::Address> addresses;
  std::set<std::string> workloads;  // "Deployment/web" of this namespace that use it
  std::set<std::string> pods;
  attribution::NameEvidence naming;  // of all its flows
  std::set<std::string> names;  // of a class of names ("*.cdn.example.com"): the ones asked for
  std::string class_reason;     // why they are one class; "" where the peer is what was asked for
  std::vector<Need> members;    // of a class: the needs it was made of, by name
  bool from_agent = false;
  bool from_log = false;
  bool always_older = true;  // every record has kFlowPreExisting
};

// Enough to make a rule (when everything else allows one)?
enum class Proof : std::uint8_t {
  Established,  // a connection stood, or an answer came (UDP, ICMP); no log line can say so
  OneWay,       // UDP, ICMP and others without answer, on two days or more
  Attempted,    // attempts alone, or one-way on a single day: a comment, not a rule
};
[[nodiscard]] Proof proof_of(const Need& need);
// Whether conversations older than the agent are all there is: none was seen to open since. Without
// a handshake that cannot be told once datagrams came, so then it is false.
[[nodiscard]] bool is_pre_existing(const Need& need);

// Distinct peers without port. See NamespaceFanout in query.proto for the meaning of the columns.
struct Fanout {
  std::uint64_t pod_namespaces = 0;
  std::uint64_t services = 0;
  std::uint64_t external = 0;  // names + cidrs + raw_addresses
  std::uint64_t other = 0;
  std::uint64_t own = 0;
  std::uint64_t unanswered = 0;
  std::uint64_t inferred = 0;
  std::uint64_t names = 0;
  std::uint64_t cidrs = 0;
  std::uint64_t raw_addresses = 0;
  std::uint64_t ambiguous = 0;     // of names
  std::uint64_t name_unknown = 0;  // of cidrs and raw_addresses
  [[nodiscard]] std::uint64_t destinations() const {
    return pod_namespaces + services + external + other;
  }
  friend bool operator==(const Fanout&, const Fanout&) = default;
};

// How much of the time the namespace was truly watched (Horizon in query.proto).
struct Horizon {
  std::uint32_t valid_days = 0;
  std::uint32_t wanted_days = 7;
  bool incomplete = false;
  std::vector<std::string> reasons;
  [[nodiscard]] bool enough() const { return valid_days >= wanted_days; }
};

// Why there is nothing to judge.
struct Unseen {
  std::string why;             // "host-network: its pods use the host's network: ..."
  bool waiting_helps = false;  // it is watched, more days would do
};

struct Finding {
  std::string namespace_name;
  std::vector<Need> needs;  // judged traffic, in (kind, name, port, protocol) order
  std::vector<Need> apart;  // inferred, or from another source: shown, never judged
  Fanout fanout;
  Horizon horizon;
  std::uint64_t records = 0;
  std::optional<Unseen> unseen;  // without records, where somebody could tell
};

}  // namespace outflow::analysis
