// What is known of the name a pod dialled: an address may have had several, or none, or nobody
// could see. Values of one flow, and joined of many.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/address.h"

namespace outflow::attribution {

// The values are stored: append, never renumber.
enum class Naming : std::uint8_t {
  None = 0,            // within the cluster, or nobody asked: no name is looked for
  Named = 1,           // one name, or one that is at least 0.9 likely
  Ambiguous = 2,       // several; the peer's name is the likeliest
  RawAddress = 3,      // dialled without a lookup, and every lookup would have been seen;
                       // candidates are then names that others were told, and name nothing
  OpaqueResolver = 4,  // the pod asks a resolver nobody can read: DNS over TLS, HTTPS or QUIC
  Unknown = 5,         // a lookup may have been missed; `reason` says why
};
// "", "named", "ambiguous", "raw-address", "opaque-resolver", "unknown".
[[nodiscard]] std::string_view to_text(Naming naming);

// Whose answer told the name. The values are stored.
enum class Basis : std::uint8_t { Pod = 1, Node = 2, Cluster = 3 };
[[nodiscard]] std::string_view to_text(Basis basis);  // "pod", "node", "cluster"

struct Candidate {
  std::string name;
  std::uint16_t permille = 0;  // confidence, 0..1000
  Basis basis = Basis::Pod;
  bool said = false;  // the pod said this name on a connection there
  friend auto operator<=>(const Candidate&, const Candidate&) = default;
};

struct SaidEvidence {
  std::string name;
  std::uint32_t flags = 0;  // SaidFlag of common/names.h
  std::uint64_t count = 0;
  friend auto operator<=>(const SaidEvidence&, const SaidEvidence&) = default;
};

inline constexpr std::size_t kCandidatesMax = 8;
inline constexpr std::size_t kSaidMax = 8;
inline constexpr std::uint16_t kCertainPermille = 900;  // below, the name is ambiguous

struct NameEvidence {
  Naming naming = Naming::None;
  std::vector<Candidate> candidates;  // the likeliest first, then by name; at most kCandidatesMax
  std::string target;                 // end of the best candidate's CNAMEs; "" when the name itself
  std::vector<SaidEvidence> said;     // by name and flags; at most kSaidMax
  std::string reason;                 // Unknown, OpaqueResolver: why
  friend auto operator<=>(const NameEvidence&, const NameEvidence&) = default;

  // What two flows of one peer tell together. Candidates of one name keep the greater confidence;
  // the naming is that of `newer`.
  void merge(const NameEvidence& newer);
};

}  // namespace outflow::attribution
