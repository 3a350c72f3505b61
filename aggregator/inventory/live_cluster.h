// The inventory as an API server tells it, object by object, with the time each owner had its
// addresses: who they were is known for weeks after they are gone.
//
// One thread tells (the Sink), any thread asks; a question waits for one event at most. What is
// told costs the object only; a Snapshot is made when somebody asks for one, so how often is the
// caller's choice.
//
// A deletion that was told ends a life there. One that was missed (the object is not in a new list)
// leaves its end open between when the feed had told last and when the absence was noticed. An
// event about an older life of a name (its uid differs, it started earlier) changes nothing of the
// one that is there.
//
// Bounds: kGoneMax owners that are gone are kept, the oldest are cut and counted; kGoneOwnersMax
// ReplicaSets and Jobs that are gone are remembered for pods told after them.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aggregator/inventory/feed_state.h"
#include "aggregator/inventory/life.h"
#include "aggregator/inventory/objects.h"
#include "aggregator/inventory/owner.h"
#include "aggregator/inventory/snapshot.h"
#include "common/mutex.h"

namespace outflow::inventory {

// At about 450 bytes each this is 220 MB; a cluster of 50 jobs a minute fills it in a week.
inline constexpr std::size_t kGoneMax = 500'000;
inline constexpr std::size_t kGoneOwnersMax = 10'000;

class LiveCluster final : public Sink {
 public:
  explicit LiveCluster(std::size_t gone_max = kGoneMax) : gone_max_(gone_max) {}

  void begin_list(Kind kind) override;
  void end_list(Kind kind, TimePoint at) override;
  void put(Object object, TimePoint at) override;
  void remove(Object last, TimePoint at) override;
  void heard(Kind kind, TimePoint at) override;
  void fail(Kind kind, std::string why) override;
  void absent(Kind kind, std::string why) override;

  // What an earlier run kept, one by one before the first list: those who were there then
  // (told.gone is epoch) are there until the list says otherwise. resume() ends it: up to when that
  // run had been told.
  void restore(Held held);
  void resume(TimePoint heard);
  // Whose times changed since the last call; to be kept on disk.
  [[nodiscard]] std::vector<Held> take_unsaved();
  // Forgets who was gone before `time`.
  void forget(TimePoint time);

  // Null when nothing changed since the last one, or before the needed kinds were all listed.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot();
  // What there is before the first one: nobody is known as of any time.
  [[nodiscard]] static std::shared_ptr<const Snapshot> nothing_yet();
  [[nodiscard]] FeedStates states() const;

  struct Counts {
    std::size_t gone = 0;              // owners that are gone and kept
    std::uint64_t cut = 0;             // of those, cut because there were more than the bound
    std::uint64_t contradictions = 0;  // events about lives that are over already
  };
  [[nodiscard]] Counts counts() const;

 private:
  using Name = std::pair<std::string, std::string>;
  struct ByName {
    using is_transparent = void;
    using View = std::pair<std::string_view, std::string_view>;
    static View of(const LifePtr& life) { return {life->shape->namespace_name, life->name}; }
    bool operator()(const LifePtr& a, const LifePtr& b) const { return of(a) < of(b); }
    bool operator()(const LifePtr& a, const View& b) const { return of(a) < b; }
    bool operator()(const View& a, const LifePtr& b) const { return a < of(b); }
  };
  struct Listing {
    std::set<Name> names;            // but not of pods
    std::vector<const Life*> lives;  // of pods
  };

  void put_object(Namespace object, TimePoint at) REQUIRES(mutex_);
  void put_object(Node object, TimePoint at) REQUIRES(mutex_);
  void put_object(Pod object, TimePoint at) REQUIRES(mutex_);
  void put_object(Service object, TimePoint at) REQUIRES(mutex_);
  void put_object(EndpointSlice object, TimePoint at) REQUIRES(mutex_);
  void put_object(Owner object, TimePoint at) REQUIRES(mutex_);
  void put_object(NetworkPolicy object, TimePoint at) REQUIRES(mutex_);
  void put_object(CalicoPolicy object, TimePoint at) REQUIRES(mutex_);
  void put_object(CalicoTier object, TimePoint at) REQUIRES(mutex_);
  void put_object(NetworkSet object, TimePoint at) REQUIRES(mutex_);

  template <class T>
  void put_timed(std::map<Name, T>& there, std::vector<T>& past, T object, TimePoint at)
      REQUIRES(mutex_);
  template <class T>
  void end_timed(std::map<Name, T>& there, std::vector<T>& past, const Name& name, TimePoint last,
                 TimePoint gone) REQUIRES(mutex_);

  void take_pod(Life life, TimePoint at) REQUIRES(mutex_);
  void end_pod(LifePtr life, TimePoint last, TimePoint gone) REQUIRES(mutex_);
  void remove_pod(const Pod& pod, TimePoint at) REQUIRES(mutex_);
  void remove_named(const Key& key, TimePoint last, TimePoint gone) REQUIRES(mutex_);
  [[nodiscard]] Life resolved(const Pod& pod) REQUIRES(mutex_);
  void forget_owner(const Key& key) REQUIRES(mutex_);
  void end_of_pods(const Listing& listing, TimePoint last, TimePoint at) REQUIRES(mutex_);
  void end_of_others(Kind kind, const Listing& listing, TimePoint last, TimePoint at)
      REQUIRES(mutex_);
  [[nodiscard]] std::vector<Name> names_of(Kind kind) const REQUIRES(mutex_);
  void bound_gone() REQUIRES(mutex_);
  [[nodiscard]] Model model() const REQUIRES(mutex_);

  const std::size_t gone_max_;
  mutable Mutex mutex_;
  FeedStates states_ GUARDED_BY(mutex_);
  std::map<Kind, Listing> listings_ GUARDED_BY(mutex_);
  Pool pool_ GUARDED_BY(mutex_);
  std::set<LifePtr, ByName> pods_ GUARDED_BY(mutex_);
  std::multiset<LifePtr, ByName> gone_pods_ GUARDED_BY(mutex_);
  std::map<Name, Namespace> namespaces_ GUARDED_BY(mutex_);
  std::map<Name, Node> nodes_ GUARDED_BY(mutex_);
  std::vector<Node> past_nodes_ GUARDED_BY(mutex_);
  std::map<Name, Service> services_ GUARDED_BY(mutex_);
  std::vector<Service> past_services_ GUARDED_BY(mutex_);
  std::map<Name, EndpointSlice> slices_ GUARDED_BY(mutex_);
  std::map<Name, NetworkPolicy> network_policies_ GUARDED_BY(mutex_);
  std::map<Key, CalicoPolicy> calico_policies_ GUARDED_BY(mutex_);
  std::map<Key, CalicoTier> calico_tiers_ GUARDED_BY(mutex_);
  std::map<Key, NetworkSet> network_sets_ GUARDED_BY(mutex_);
  struct KnownOwner {
    std::optional<Workload> controller;
    bool gone = false;
  };
  std::map<Key, KnownOwner> owners_ GUARDED_BY(mutex_);
  std::deque<Key> gone_owners_ GUARDED_BY(mutex_);
  // Pods that name a ReplicaSet or Job nobody has told yet.
  std::map<Key, std::vector<Name>> waiting_ GUARDED_BY(mutex_);
  std::vector<Held> unsaved_ GUARDED_BY(mutex_);
  bool changed_ GUARDED_BY(mutex_) = false;
  Counts counts_ GUARDED_BY(mutex_);
};

}  // namespace outflow::inventory
