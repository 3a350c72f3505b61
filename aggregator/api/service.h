// Answers the Query service of query.proto from what is stored and what the cluster is known to be.
// Nothing is kept between two questions: each answer is a function of the store, the inventory and
// the moment. Any number of questions may run at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <grpcpp/impl/codegen/service_type.h>

#include "aggregator/access/users.h"
#include "aggregator/api/fact_board.h"
#include "aggregator/feeds/state.h"
#include "aggregator/feeds/table.h"
#include "aggregator/inventory/current.h"
#include "aggregator/inventory/selector.h"
#include "aggregator/store/store.h"
#include "aggregator/synthesis/policy.h"
#include "common/clock.h"
#include "common/result.h"
#include "outflow/v1/query.pb.h"

namespace outflow::api {

// What became of the batches since the start.
struct BatchCounts {
  std::uint64_t merged = 0;
  std::uint64_t repeated = 0;
  std::uint64_t refused = 0;
};

// What the answers are made from. Everything referred to outlives the service.
struct Backend {
  const store::Store& store;
  const inventory::Current& inventory;
  const inventory::LabelSelector& select;  // the namespaces to judge when none is named
  const Clock& clock;
  std::function<BatchCounts()> batches;  // thread-safe; may be empty
  // An inventory is promised: until the first one is read, no policy is made.
  bool needs_inventory = false;
  std::string own_namespace{synthesis::kOwnNamespace};  // where Outflow runs: not judged
  // What the one who asks may see; set for each call by the service. Empty: everything.
  access::MaySee may_see = {};
  const FactBoard* facts = nullptr;                    // what agents told of their nodes
  std::function<TimePoint()> certificate_expiry = {};  // of our own; empty: plaintext
  // Which ranges are whose, now; thread-safe, never gives null. Empty: no feeds.
  std::function<std::shared_ptr<const feeds::RangeTable>()> ranges = {};
  std::function<feeds::FeedsState()> feeds = {};  // how they are doing; thread-safe
};

// What a caller may see, or why it is not answered at all. Thread-safe; may block.
using SightOf = std::function<access::Checked<access::MaySee>(const grpc::ServerContextBase&)>;

// Every answer is cut to what its caller may see, in one place: Question.
[[nodiscard]] std::unique_ptr<grpc::Service> make_query_service(
    const Backend& backend,
    SightOf sight_of = [](const grpc::ServerContextBase&) { return access::MaySee(); });

// What an answer rests on that another service gives now.
[[nodiscard]] Result<v1::Context> context_of(const Backend& backend);

}  // namespace outflow::api
