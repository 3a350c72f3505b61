// What an aggregator says about the sets -> what is wanted, and how far it may be trusted. Pure.
#pragma once

#include <string>
#include <vector>

#include "aggregator/apply/set.h"
#include "outflow/v1/query.pb.h"

namespace outflow::apply {

struct Answered {
  std::vector<Wanted> sets;       // by name, each once, of the asked namespaces alone
  std::vector<Refusal> refusals;  // of what is not among `sets`
  Trust trust;
};

// Reasons: "name" (no name a set can have), "namespace" (nobody asked about it), "ambiguous" (two
// sets of one name: both), "unknown_namespace" (asked about, and nobody knows it).
//
// It is not complete without an inventory or with a stale one, when a node has no agent, or its
// agent is late: what was answered there meanwhile nobody knows.
[[nodiscard]] Answered read_answer(const v1::SetsAnswer& sets, const v1::StatusAnswer& status,
                                   const Namespaces& asked);

}  // namespace outflow::apply
