// Whether this kernel runs our programs and they see a packet: a second copy of them, on maps of
// its own that nobody else has and that go with it, is given a made TCP opening (BPF_PROG_TEST_RUN)
// and must have recorded exactly that. No interface, no pin and no map of the agent is touched, so
// nothing of it can become a flow.
//
// It proves loading, the verifier, the JIT, the maps and their reading; that hooks stand on the
// pods' interfaces is told by the hooks themselves.
#pragma once

#include "common/result.h"

namespace outflow::agent {

// Takes as long as a start of the agent and its memory for a small table.
[[nodiscard]] Result<void> self_test();

}  // namespace outflow::agent
