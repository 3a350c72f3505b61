// How much is measured. The goals are made for the defaults; --smoke only shows that every part
// runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace outflow::bench {

struct Options {
  int rounds = 9;                             // of which the medians are taken
  int repeat = 200'000;                       // packets of one prog_test_run
  std::chrono::milliseconds live_cell{500};   // of traffic
  std::chrono::milliseconds dns_time{2'000};  // of answers at 50,000/s
  std::uint32_t peers = 500;                  // veths of the agent's namespace
  std::uint32_t agent_tuples = 60'000;
  bool smoke = false;
};

}  // namespace outflow::bench
