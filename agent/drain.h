// The pinned maps -> one reading of everything they count, and what waits in the overflow ring.
// For one thread, the reporting one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "agent/delta.h"
#include "agent/tables.h"
#include "common/result.h"

struct ring_buffer;

namespace outflow::agent {

// Every row of the tables, sorted. Counters go on while it reads: each row is as of some moment
// within.
[[nodiscard]] Result<Cumulative> read_tables(const Tables& tables);
[[nodiscard]] Result<Counts> read_counts(const Tables& tables);
// Deletes the rows of interfaces that are no more, told by their sorted ids. Gives how many went.
std::size_t delete_rows(const Tables& tables, const Cumulative& reading,
                        const std::vector<std::uint32_t>& interface_ids);

class OverflowReader {
 public:
  using Sink = std::function<void(const overflow_event&)>;
  OverflowReader() = default;  // nothing to take from
  [[nodiscard]] static Result<OverflowReader> open(const Tables& tables, Sink sink);

  // Takes everything that waits. Events survive in the pinned ring until they are taken.
  void take();

 private:
  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  std::unique_ptr<Sink> sink_;  // its address is the ring's
  std::unique_ptr<ring_buffer, Free> ring_;
};

}  // namespace outflow::agent
