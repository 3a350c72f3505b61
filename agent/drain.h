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
// Deletes these rows of the tuple table and gives what each counted until it went: a row may have
// gained since it was read. Rows that are gone already are not among them.
[[nodiscard]] std::vector<TupleRow> take_rows(const Tables& tables,
                                              const std::vector<TupleRow>& rows);
// Deletes the rows of interfaces that are no more, told by their sorted ids. Gives how many went.
std::size_t delete_rows(const Tables& tables, const Cumulative& reading,
                        const std::vector<std::uint32_t>& interface_ids);

// One of the pinned rings. Records survive in it until they are taken.
class RingReader {
 public:
  using Sink = std::function<void(const void* record, std::size_t size)>;
  RingReader() = default;  // nothing to take from
  [[nodiscard]] static Result<RingReader> open(int map, Sink sink);

  // Takes what waits, and what comes meanwhile up to kTakenMax records: who writes faster than we
  // read must not hold us.
  void take();
  static constexpr std::size_t kTakenMax = 4'096;  // more than any ring of ours holds

 private:
  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  struct Taking {
    Sink sink;
    std::size_t left = 0;
  };
  static int forward(void* taking, void* data, std::size_t size);
  std::unique_ptr<Taking> taking_;  // its address is the ring's
  std::unique_ptr<ring_buffer, Free> ring_;
};

}  // namespace outflow::agent
