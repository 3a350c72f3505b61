// What must survive the agent, in one file that is always whole: written before a batch is sent, so
// that the same bytes are sent again after a restart and nothing is counted twice.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/delta.h"
#include "common/clock.h"
#include "common/flow.h"
#include "common/result.h"

namespace outflow::agent {

struct State {
  BootId boot{};
  std::uint64_t next_sequence = 1;
  // Serialized, in order; those acknowledged may be among them, and those of boots before.
  std::vector<std::string> batches;
  TimePoint interval_end{};
  Cumulative handed_on;                         // the readings that all batches so far add up to
  std::uint64_t overflow_read = 0;              // packets of overflow records in batches so far
  std::map<std::string, std::uint64_t> losses;  // the agent's own, not yet in a batch
};

[[nodiscard]] std::string encode(const State& state);
// Checks the length, a checksum, the layout and every field; never trusts the file.
[[nodiscard]] Result<State> decode(const std::string& bytes);

[[nodiscard]] Result<void> save_state(const std::string& path, const State& state);
// nullopt when there is none.
[[nodiscard]] Result<std::optional<State>> load_state(const std::string& path);

}  // namespace outflow::agent
