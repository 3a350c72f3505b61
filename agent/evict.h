// Which tuples make room when the kernel's table fills. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "agent/delta.h"

namespace outflow::agent {

// Above this part of its room the table is made emptier, down to the other. Tuples idle for less
// than kIdleMin stay whatever happens: what then finds no room travels by the ring, or is counted.
inline constexpr double kEvictAbove = 0.70;
inline constexpr double kEvictTo = 0.60;
inline constexpr nanoseconds kIdleMin = std::chrono::seconds(60);

[[nodiscard]] bool wants_room(std::size_t rows, std::size_t room);

// The rows that go, longest idle first. A tuple whose connection still stands (`alive`) would come
// back in its middle, where nobody sees who opened it: such rows go only while the table is fuller
// than kEvictAbove without them.
[[nodiscard]] std::vector<TupleRow> idle_rows(const std::vector<TupleRow>& rows, std::size_t room,
                                              const JiffyClock& now,
                                              const std::function<bool(const FlowKey&)>& alive);

}  // namespace outflow::agent
