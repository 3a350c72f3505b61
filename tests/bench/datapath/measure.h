// How anything here is measured: several targets in turn, round by round, so that what else the
// machine does falls on all of them alike; medians over the rounds; CPU time of the thread, which
// does not run while others have the processor.
#pragma once

#include <sched.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace outflow::bench {

[[nodiscard]] double wall_ns();
[[nodiscard]] double thread_cpu_ns();

[[nodiscard]] double median(std::vector<double> values);

// Each target measures itself once and gives a number. One round more than asked for goes first and
// is forgotten: it warms caches and fills tables. One row of numbers a round.
using Target = std::function<double()>;
[[nodiscard]] std::vector<std::vector<double>> interleave(const std::vector<Target>& targets,
                                                          int rounds);

// Of such rounds: the median of a target, and of its difference to another in the same round.
[[nodiscard]] double median_of(const std::vector<std::vector<double>>& rounds, std::size_t target);
[[nodiscard]] double median_above(const std::vector<std::vector<double>>& rounds,
                                  std::size_t target, std::size_t base);

// Keeps the thread on one processor (modulo those there are) while it lives.
class Pinned {
 public:
  explicit Pinned(unsigned cpu);
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  ~Pinned();

 private:
  cpu_set_t before_{};
};

// The bench ends where the kernel or the machine does not do its part.
inline void require(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what);
}

}  // namespace outflow::bench
