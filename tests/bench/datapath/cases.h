// What is measured in the hooks by prog_test_run, and what each may cost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpf/flow.h"
#include "tests/bench/datapath/packets.h"

namespace outflow::bench {

struct Case {
  std::string name;
  Shape packet;
  std::vector<Shape> before;         // packets that set the tables up
  std::optional<double> goal;        // times floor
  std::optional<packet_count> ends;  // the counter every packet from the pod ends in
  std::uint32_t tuples = 1;          // visited, one packet each in turn
};

[[nodiscard]] std::vector<Case> hook_cases();

}  // namespace outflow::bench
