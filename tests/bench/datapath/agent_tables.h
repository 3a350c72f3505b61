// Our programs and tables as the agent loads, pins and reads them, with the agent's own code.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/delta.h"
#include "agent/probe.h"
#include "agent/tables.h"
#include "tests/support/temp_dir.h"

namespace outflow::bench {

class AgentTables {
 public:
  explicit AgentTables(std::uint32_t tuples_max);
  AgentTables(const AgentTables&) = delete;
  AgentTables& operator=(const AgentTables&) = delete;
  ~AgentTables();

  [[nodiscard]] int from_pod() const { return probe_->from_pod(); }
  // What every report of the agent begins with.
  [[nodiscard]] agent::Cumulative read() const;

 private:
  test::TempDir dir_;
  std::optional<agent::Probe> probe_;
  std::optional<agent::Tables> tables_;
};

}  // namespace outflow::bench
