// The `dns` ring -> NameAnswers of each interval. A thread of its own takes the ring, so that a
// burst of answers does not wait for a report to be written. Any thread may call.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "agent/delta.h"
#include "agent/dns_names.h"
#include "agent/drain.h"
#include "common/mutex.h"
#include "common/result.h"

namespace outflow::agent {

class DnsReader {
 public:
  struct Setup {
    nanoseconds tick{};  // of the kernel's jiffies
    bool reads = true;   // false: the ring is emptied, and what was in it counted
  };
  [[nodiscard]] static Result<std::unique_ptr<DnsReader>> open(int ring, const Setup& setup);
  DnsReader(const DnsReader&) = delete;
  DnsReader& operator=(const DnsReader&) = delete;

  // Takes what waits now.
  void take();
  // Everything told since the last hand_on() that was kept. What it gives is the caller's to put on
  // disk; until it says so by kept(), the next hand_on() gives it again.
  [[nodiscard]] std::vector<NameAnswer> hand_on(const JiffyClock& clock, const Interval& interval);
  void kept();

  [[nodiscard]] bool reads() const { return setup_.reads; }
  [[nodiscard]] NameCounts counts() const;

 private:
  // What the ring's records become; the ring knows its address.
  struct Taken {
    explicit Taken(const Setup& setup);
    void take(const void* record, std::size_t size);
    const bool reads;
    DnsNames names;
    std::uint64_t unparsed = 0;
    std::size_t bytes = 0;  // of records, by the take that runs
  };
  explicit DnsReader(const Setup& setup) : setup_(setup), taken_(setup), handed_on_({}) {}
  std::size_t take_records();
  void run(const std::stop_token& stop);

  const Setup setup_;
  mutable Mutex mutex_;
  Taken taken_ GUARDED_BY(mutex_);
  NameTable handed_on_ GUARDED_BY(mutex_);             // not kept yet
  std::uint64_t without_room_ GUARDED_BY(mutex_) = 0;  // in that one
  RingReader ring_ GUARDED_BY(mutex_);
  std::jthread thread_;  // last: stops first
};

}  // namespace outflow::agent
