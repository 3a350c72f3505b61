// Which name a pod dialled, from what it was told, as of the time it dialled: answers and said
// names of reports in, the evidence of each flow out. In memory; any thread may call anything.
//
// Reports of a node come in their order, those of several nodes in any. All of a report's answers
// are added before its flows are named, so a report that comes again is named the same way and adds
// nothing.
//
// When a flow was opened, for the rules of rules.h:
// - TCP and SCTP with openings in the report: at its first packet, when the tuple is new; at its
//   last packet as well when there were several openings, and there alone when the tuple was there
//   before, for then nobody knows when within the interval.
// - TCP and SCTP without openings: long ago. The flow keeps what its tuple was known by last; when
//   nobody knows, what was told before its first packet, else it is Unknown.
// - UDP and the others open nothing that can be seen: a new tuple at its first packet; later it
//   keeps what it was known by, until its pod is told a name of that address again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "aggregator/attribution/naming.h"
#include "aggregator/names/watch.h"
#include "common/flow.h"
#include "common/mutex.h"

namespace outflow::names {

struct Bounds {
  // Measured by bench_name_index: 63 bytes for each interval, so 126 MB beside the texts: 200 names
  // that hold for each of 10,000 pods.
  std::size_t intervals = 2'000'000;
  std::size_t tuples = 500'000;  // whose verdict is kept
  std::size_t said = 200'000;    // names said and not yet old
};

struct Counts {
  std::size_t intervals = 0;
  std::size_t names = 0;
  std::size_t tuples = 0;
  std::uint64_t answers = 0;    // messages that were taken
  std::uint64_t forgotten = 0;  // intervals dropped before their end, for want of room
  std::uint64_t not_kept = 0;   // verdicts and said names likewise
  std::map<attribution::Naming, std::uint64_t> flows;
};

// An answer worth keeping. Its address is nobody's of the cluster.
struct Heard {
  const NameAnswer* answer = nullptr;
  bool trusted = false;  // may name other pods' flows too: whoever runs a resolver of his own, or
                         // answers himself, shall not name what others dial
};

// An answer that was kept before this program started.
struct KeptAnswer {
  std::string node;
  BootId boot{};
  NameAnswer answer;
  bool trusted = false;
};

// A flow that was kept before: what its tuple was known by.
struct KeptFlow {
  std::string node;
  std::string interface_name;
  FlowKey key;  // without an interface id
  FlowStats stats;
  attribution::NameEvidence naming;
};

class Index {
 public:
  explicit Index(Bounds bounds = Bounds());
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // Adds what the report tells of names; `heard` are those of its answers that count. Then the
  // evidence of each of its flows, in their order; None where `wanted` says that nobody looks for a
  // name (one for each flow).
  [[nodiscard]] std::vector<attribution::NameEvidence> add(const Report& report,
                                                           std::span<const Heard> heard,
                                                           const std::vector<bool>& wanted);

  // After a start, before the first report.
  void restore(const Watch::Before& node);
  void restore(const KeptAnswer& kept);
  void restore(const KeptFlow& kept);

  // Drops what can name nothing any more, an hour after its end, of a node that is behind as of
  // where it stopped: now and then.
  void sweep(TimePoint now);

  [[nodiscard]] Counts counts() const;

 private:
  class State;
  mutable Mutex mutex_;
  std::unique_ptr<State> state_ GUARDED_BY(mutex_);
};

}  // namespace outflow::names
