// The names of a report -> what the store keeps of them, and the names of its flows. Beside
// additions.h, which knows who is who; any thread may call anything.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "aggregator/inventory/snapshot.h"
#include "aggregator/names/index.h"
#include "aggregator/store/store.h"
#include "common/net/prefix.h"

namespace outflow {

class Namer {
 public:
  // `trusted` are resolvers beside those of the cluster. `clock` outlives the namer.
  Namer(std::vector<net::Prefix> trusted, const Clock& clock)
      : trusted_(std::move(trusted)), clock_(clock) {}

  // Reads what was kept of the last day: answers that still hold, what tuples were known by, and
  // how well nodes were watched. Before the first report.
  [[nodiscard]] Result<void> restore(const store::Store& store);

  // `addition` is to_addition() of the report. Gets the name records of the answers, and its
  // strangers their names. An answer whose address is somebody's of the cluster tells nothing that
  // the inventory does not, and is neither kept nor used. Nor is anything of a report from more
  // than a day ahead of our clock: it would outlive the names of all others.
  void add_names(const Report& report, const inventory::Snapshot& snapshot,
                 store::Addition& addition);

  void sweep() { index_.sweep(clock_.now()); }
  [[nodiscard]] names::Counts counts() const { return index_.counts(); }
  // Answers whose address is somebody's of the cluster, of reports that may have come twice.
  [[nodiscard]] std::uint64_t cluster_answers() const { return cluster_answers_; }
  // Rows of answers from ahead, likewise.
  [[nodiscard]] std::uint64_t answers_ahead() const { return answers_ahead_; }

 private:
  // Whether its answers may open a policy: a service or pod of the cluster's own namespaces
  // (kube-*, openshift-dns), a node, a link-local address (where a node's own DNS cache listens),
  // or one we were told of.
  [[nodiscard]] bool is_trusted(const net::Address& resolver, TimePoint time,
                                const inventory::Snapshot& snapshot) const;

  const std::vector<net::Prefix> trusted_;
  const Clock& clock_;
  names::Index index_;
  std::atomic<std::uint64_t> cluster_answers_ = 0;
  std::atomic<std::uint64_t> answers_ahead_ = 0;
};

}  // namespace outflow
