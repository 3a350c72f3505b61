// What an agent tells of its node and of itself beside the flows: what `outflow doctor` judges.
// Nothing of it is evidence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.h"

namespace outflow {

// Bounds of one telling; the wire refuses what is larger.
inline constexpr std::size_t kFactTextMax = 128;     // __NEW_UTS_LEN is 64
inline constexpr std::size_t kFactReasonMax = 512;   // an error of the kernel in words
inline constexpr std::size_t kHookFailuresMax = 32;  // named; the others are only counted

struct HookFailure {
  std::string interface_name;
  std::string reason;
  friend bool operator==(const HookFailure&, const HookFailure&) = default;
};

// "" stands for what could not be read, an epoch and a zero for what is not known.
struct NodeFacts {
  std::string kernel;  // uname -r
  bool btf = false;
  std::string hook_mode;  // "tcx", "clsact"
  std::string bpf_jit;    // "on", "off"
  std::string lockdown;   // "none", "integrity", "confidentiality"
  bool conntrack = false;
  std::uint64_t interfaces_seen = 0;
  std::uint64_t interfaces_hooked = 0;
  std::uint64_t interfaces_failed = 0;
  std::vector<HookFailure> failures;
  TimePoint agent_start{};
  nanoseconds clock_moved{0};  // the wall clock against the monotonic one, since the agent's start
  TimePoint sent_at{};         // by the node's own clock
  nanoseconds round_trip{0};   // of the batch before
  TimePoint certificate_expiry{};
  std::string self_test;  // "ok", "failed"
  std::string self_test_error;

  friend bool operator==(const NodeFacts&, const NodeFacts&) = default;
};

}  // namespace outflow
