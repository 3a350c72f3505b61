// What is known of a destination's names: what DNS told, what the flows to it were taken for, what
// pods said there. Private to explain. Pure.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "aggregator/api/target.h"
#include "aggregator/store/history.h"
#include "outflow/v1/query.pb.h"

namespace outflow::api {

// A name can have more addresses than anybody reads; the rest is counted in a note.
inline constexpr std::size_t kExplainNamesMax = 500;
// Of lists within a note.
inline constexpr std::size_t kNotedMax = 5;

// One name and one address that belong together by somebody's word.
struct Told {
  std::string name;
  net::Address address;
  std::set<std::string> namespaces;  // asked about, whose pods were told
  // The best of any flow; 0 and "" where it was told and never dialled.
  std::uint16_t permille = 0;
  std::string basis;
  std::uint64_t answers = 0;
  std::uint32_t ttl_s = 0;
  std::string target;
  net::Address resolver;
  bool trusted = false;
  TimePoint first{};
  TimePoint last{};
};

// How flows to the destination stand to names, over all that are asked about.
struct Doubts {
  bool outside = false;  // any went out of the cluster: only those may have a name
  bool named = false;
  bool own_answer = false;        // some were named by an answer to the very pod
  bool raw = false;               // some were dialled without a lookup
  bool not_looked = false;        // of some nobody could say: imported, or before agents read names
  std::set<std::string> opaque;   // why: nobody can read what the pod asked
  std::set<std::string> unknown;  // why: a lookup may have been missed
  std::vector<attribution::Candidate> ambiguous;  // of the latest flow that is
  TimePoint ambiguous_at{};
  std::map<attribution::SaidEvidence, std::uint64_t> said;  // name and flags (count 0) -> times
  std::set<std::string> candidates;                         // of any flow
};

class NameSight {
 public:
  explicit NameSight(const Target& target) : target_(target) {}

  // A flow to the destination, of a namespace asked about.
  void add(const store::History& history);
  // Anything a pod was told, by a namespace that the asker may see.
  void add(const store::NameRecord& record, bool asked_about);

  // Of `limit` at most: the likeliest first, then the last answered.
  [[nodiscard]] std::vector<Told> told(std::size_t limit) const;
  [[nodiscard]] std::size_t told_count() const { return told_.size(); }
  // name -> namespaces that were told it, too, and are not asked about.
  [[nodiscard]] const std::map<std::string, std::set<std::string>>& elsewhere() const {
    return elsewhere_;
  }
  [[nodiscard]] const Doubts& doubts() const { return doubts_; }

 private:
  Told& told_of(const std::string& name, const net::Address& address);
  void add_doubt(const store::History& history);

  const Target& target_;
  std::map<std::pair<std::string, net::Address>, Told> told_;
  std::map<std::string, std::set<std::string>> elsewhere_;
  Doubts doubts_;
};

void put_told(const std::vector<Told>& told, v1::ExplainAnswer& answer);

// What the names leave open, as sentences. `peer` is what the destination was taken for, its
// provider filled in; `shared`: its range serves many tenants from one address.
[[nodiscard]] std::vector<std::string> name_notes(const NameSight& sight,
                                                  const attribution::Peer& peer, bool shared);

}  // namespace outflow::api
