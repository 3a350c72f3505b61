// The agent: two threads and their cadence. The watching thread hooks interfaces, the reporting
// thread makes batches of what they count; the uplink sends with a thread of its own.
#pragma once

#include <memory>

#include "agent/config.h"
#include "common/result.h"

namespace outflow::agent {

class Agent {
 public:
  // Loads or adopts, hooks what is there, begins to report. One agent a --bpffs-dir.
  [[nodiscard]] static Result<std::unique_ptr<Agent>> start(const Config& config);
  // Sends what was counted until now, waiting a few seconds for the aggregator; hooks and tables
  // stay in the kernel and go on counting.
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

 private:
  struct Parts;
  explicit Agent(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Removes every hook, pin and state file of this node's agent.
[[nodiscard]] Result<void> uninstall(const Config& config);

}  // namespace outflow::agent
