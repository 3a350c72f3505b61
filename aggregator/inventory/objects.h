// The cluster object by object, as an API server tells it: what one object is to us, and who takes
// what is told. `kube` calls a Sink; the live inventory is one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aggregator/inventory/model.h"
#include "common/clock.h"

namespace outflow::inventory {

[[nodiscard]] std::string_view to_text(Kind kind);

struct Key {
  Kind kind{};
  std::string namespace_name;  // "" for cluster-scoped kinds
  std::string name;
  friend auto operator<=>(const Key&, const Key&) = default;
};

// A workload in a chain of owners: ReplicaSet -> Deployment, Job -> CronJob. Metadata only.
struct Owner {
  Kind kind{};
  std::string namespace_name;
  std::string name;
  std::optional<Workload> controller;  // ownerReferences with controller: true
};

struct EndpointSlice {
  std::string namespace_name;
  std::string name;
  std::string service;              // label kubernetes.io/service-name; "" when it has none
  std::vector<Endpoint> endpoints;  // none of a slice of names (FQDN), or of no service
};

struct NetworkPolicy {
  std::string namespace_name;
  std::string name;
  bool limits_egress = false;
};

using Object = std::variant<Namespace, Node, Pod, Service, EndpointSlice, Owner, NetworkPolicy,
                            CalicoPolicy, CalicoTier, NetworkSet>;
[[nodiscard]] Key key_of(const Object& object);

// Takes what the API server tells, kind by kind, in the order it was told; called by one thread.
// Times are of our clock.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  // A whole list begins: what is put until end_list() is all there is of the kind. A list that
  // ends early (an error between pages) is begun again, or ended by fail().
  virtual void begin_list(Kind kind) = 0;
  // What was of the kind and was not put since begin_list() is gone: deletions we missed.
  virtual void end_list(Kind kind, TimePoint at) = 0;

  // Added or modified; in a list, or by a watch event.
  virtual void put(Object object, TimePoint at) = 0;
  // Deleted, with the last state the server knew.
  virtual void remove(Object last, TimePoint at) = 0;

  // The watch of the kind lives and has told everything up to about `at`.
  virtual void heard(Kind kind, TimePoint at) = 0;
  // What there is of the kind may be out of date; `why` names place and cause. Ends with heard().
  virtual void fail(Kind kind, std::string why) = 0;
  // The server does not have the kind (no such CRD), or we may not read it: `why` says which.
  virtual void absent(Kind kind, std::string why) = 0;
};

}  // namespace outflow::inventory
