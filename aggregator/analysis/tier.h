// How hard a static allowlist would be: A trivial, B small, C moderate, D open-ended. Pure and
// total: clauses in order, the first match wins. Hysteresis is for displays.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aggregator/analysis/finding.h"

namespace outflow::analysis {

enum class Tier : char { A = 'A', B = 'B', C = 'C', D = 'D' };
enum class Preset { Default, Study };

struct TierCounts {
  std::uint64_t internal = 0;
  // Classes: a name the pods asked for and a published or own range are one each, however many
  // addresses they have.
  std::uint64_t external = 0;
  // Of external: a bare address, neither named nor in a provider's range nor private.
  std::uint64_t external_raw = 0;
};

struct Judgement {
  Tier tier = Tier::C;
  TierCounts counts;
  std::string rule;      // "external 2 <= 3 and internal 4 <= 5"
  std::string boundary;  // what would change the letter, nearest first: "2 external more -> C, ..."
  std::vector<std::string> not_evaluated;  // clauses that need estimators we do not have
};

// "default/2", "study/1": stands on every answer that has a tier. Since default/2 external classes
// are names and ranges where those are known; default/1 counted every address.
[[nodiscard]] std::string rule_set(Preset preset);

// Default counts classes with port: own-namespace ones too, since they need rules like the others,
// but not cluster DNS (port 53 of a service, pod, node or node-local cache), which all have, nor
// multicast, which no allowlist holds. Study counts the fan-out's peers, DNS included.
[[nodiscard]] TierCounts count(const Finding& finding, Preset preset);
[[nodiscard]] Judgement tier(const TierCounts& counts, Preset preset);
// The same for a finding; nullopt when it holds nothing that is judged: nothing seen is not simple.
[[nodiscard]] std::optional<Judgement> judge(const Finding& finding, Preset preset);
// How a tier is shown: its letter, or "-" for none.
[[nodiscard]] std::string to_text(std::optional<Tier> tier);
// Why there is no judgement: "no evidence: ...".
[[nodiscard]] std::string why_not_judged(const Finding& finding);

}  // namespace outflow::analysis
