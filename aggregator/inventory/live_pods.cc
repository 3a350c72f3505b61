// Pods of the live inventory: their workloads, and where each of their lives begins and ends.
#include <algorithm>

#include "aggregator/inventory/live_cluster.h"

namespace outflow::inventory {
namespace {

std::optional<Kind> kind_of_owner(const std::string& kind) {
  if (kind == "ReplicaSet") return Kind::ReplicaSet;
  if (kind == "Job") return Kind::Job;
  if (kind == "CronJob") return Kind::CronJob;
  return std::nullopt;
}

// What is kept on disk of a life is when it had its addresses.
bool same_times(const Life& a, const Life& b) {
  return same_life(a, b) && a.addresses == b.addresses && a.told == b.told && a.ended == b.ended &&
         a.started == b.started;
}

bool same(const Life& a, const Life& b) {
  return same_times(a, b) && a.shape == b.shape && a.node == b.node && a.phase == b.phase &&
         a.deleting == b.deleting;
}

bool has_interface(const Life& life) {
  return life.interface != 0;
}

}  // namespace

// A pod told again after its ReplicaSet or Job was forgotten stays what it was.
Life LiveCluster::resolved(const Pod& pod) {
  const Workload direct = pod.workload;
  const OwnerOf owner_of =
      [&](const std::string& kind, const std::string& namespace_name, const std::string& name)
          REQUIRES(mutex_) -> const std::optional<Workload>* {
    const auto known = kind_of_owner(kind);
    if (!known) return nullptr;
    const auto found = owners_.find({*known, namespace_name, name});
    return found == owners_.end() ? nullptr : &found->second.controller;
  };
  TopOwner top = top_owner(pod, owner_of);
  const auto before = pods_.find(ByName::View(pod.namespace_name, pod.name));
  if (!top.settled && before != pods_.end() && (*before)->shape->owner == direct) {
    top.workload = (*before)->shape->workload;
  }
  if (const auto kind = kind_of_owner(direct.kind); kind && !top.settled) {
    waiting_[{*kind, pod.namespace_name, direct.name}].push_back({pod.namespace_name, pod.name});
  }
  Pod named = pod;
  named.workload = std::move(top.workload);
  return to_life(named, direct, pool_);
}

void LiveCluster::put_object(Pod object, TimePoint at) {
  object.told = {};
  take_pod(resolved(object), at);
}

void LiveCluster::take_pod(Life life, TimePoint at) {
  const auto listing = listings_.find(Kind::Pod);
  auto found = pods_.find(ByName::View(life.shape->namespace_name, life.name));
  life.told.first = at;
  if (found != pods_.end() && !same_life(**found, life)) {
    if (life.started < (*found)->started && listing == listings_.end()) {
      ++counts_.contradictions;  // an event about who had the name before, told late
      return;
    }
    // Its deletion was missed: it lived until the feed was heard last, and not beyond now.
    const TimePoint last = listing == listings_.end() ? at : states_.heard_of(Kind::Pod);
    end_pod(*found, std::min(last, at), at);
    found = pods_.end();
  }
  if (found != pods_.end()) {
    const Life& before = **found;
    life.told = before.told;
    if (life.addresses.empty()) life.addresses = before.addresses;  // a finished one may lose them
    if (before.addresses.empty() && !life.addresses.empty()) life.told.first = at;
    if (!before.addresses.empty() && life.addresses != before.addresses) {
      end_pod(*found, at, at);
      found = pods_.end();
      life.told = {.not_before = at, .first = at, .leaving = {}, .last = {}, .gone = {}};
    }
  }
  // A life that goes on with other addresses has these from the change on.
  life.started = std::max(life.started, life.told.not_before);
  const bool leaving = life.deleting || is_finished(life);
  if (leaving && life.told.leaving == TimePoint()) life.told.leaving = at;
  const bool kept = found != pods_.end() && same(**found, life);
  LifePtr now = kept ? *found : std::make_shared<const Life>(std::move(life));
  if (listing != listings_.end()) listing->second.lives.push_back(now.get());
  if (kept) return;
  if (has_interface(*now) && !now->addresses.empty() &&
      (found == pods_.end() || !same_times(**found, *now))) {
    unsaved_.emplace_back(to_pod(*now));
  }
  if (found != pods_.end()) pods_.erase(found);
  pods_.insert(std::move(now));
  changed_ = true;
}

// By value: the set's own is erased.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void LiveCluster::end_pod(LifePtr life, TimePoint last, TimePoint gone) {
  Life over = *life;
  pods_.erase(life);
  changed_ = true;
  if (!has_interface(over)) return;  // it had no address and no interface of its own
  over.told.last = last;
  over.told.gone = gone;
  over.addresses.shrink_to_fit();
  unsaved_.emplace_back(to_pod(over));
  gone_pods_.insert(std::make_shared<const Life>(std::move(over)));
  bound_gone();
}

void LiveCluster::remove_pod(const Pod& pod, TimePoint at) {
  Life last = resolved(pod);
  const auto found = pods_.find(ByName::View(pod.namespace_name, pod.name));
  if (found != pods_.end() && !same_life(**found, last)) {
    ++counts_.contradictions;  // the end of who had the name before, told late
    return;
  }
  // Its last state may say more: when it ended, and the addresses of one never told before.
  take_pod(std::move(last), at);
  const auto kept = pods_.find(ByName::View(pod.namespace_name, pod.name));
  if (kept != pods_.end()) end_pod(*kept, at, at);
}

void LiveCluster::end_of_pods(const Listing& listing, TimePoint last, TimePoint at) {
  std::vector<const Life*> listed = listing.lives;
  std::sort(listed.begin(), listed.end());
  std::vector<LifePtr> missing;
  for (const LifePtr& life : pods_) {
    if (!std::binary_search(listed.begin(), listed.end(), life.get())) missing.push_back(life);
  }
  for (const LifePtr& life : missing) end_pod(life, last, at);
}

void LiveCluster::put_object(Owner object, TimePoint at) {
  const Key key = key_of(object);
  owners_[key] = {std::move(object.controller), false};
  const auto waiting = waiting_.find(key);
  if (waiting == waiting_.end()) return;
  const std::vector<Name> names = std::move(waiting->second);
  waiting_.erase(waiting);
  for (const Name& name : names) {
    const auto found = pods_.find(ByName::View(name.first, name.second));
    if (found == pods_.end()) continue;
    Pod pod = to_pod(**found);
    pod.workload = (*found)->shape->owner;
    take_pod(resolved(pod), at);
  }
}

// Pods may be told after their owner is gone.
void LiveCluster::forget_owner(const Key& key) {
  const auto found = owners_.find(key);
  if (found == owners_.end() || found->second.gone) return;
  found->second.gone = true;
  gone_owners_.push_back(key);
  if (gone_owners_.size() <= kGoneOwnersMax) return;
  const auto oldest = owners_.find(gone_owners_.front());
  if (oldest != owners_.end() && oldest->second.gone) owners_.erase(oldest);
  gone_owners_.pop_front();
}

void LiveCluster::restore(Held held) {
  const MutexLock lock(mutex_);
  const auto take = [&](auto object, auto& there, auto& past) {
    if (object.told.gone != TimePoint()) {
      past.push_back(std::move(object));
    } else {
      const Key key = key_of(Object(object));
      there.insert_or_assign({key.namespace_name, key.name}, std::move(object));
    }
  };
  if (Pod* pod = std::get_if<Pod>(&held)) {
    LifePtr life = std::make_shared<const Life>(to_life(*pod, pod->workload, pool_));
    if (life->told.gone != TimePoint()) {
      gone_pods_.insert(std::move(life));
    } else if (!pods_.insert(life).second) {
      ++counts_.contradictions;
    }
  } else if (Service* service = std::get_if<Service>(&held)) {
    take(std::move(*service), services_, past_services_);
  } else if (Node* node = std::get_if<Node>(&held)) {
    take(std::move(*node), nodes_, past_nodes_);
  }
  bound_gone();
}

void LiveCluster::resume(TimePoint heard) {
  const MutexLock lock(mutex_);
  states_.resume(heard);
}

void LiveCluster::forget(TimePoint time) {
  const MutexLock lock(mutex_);
  const auto before = [&](const auto& object) { return object.told.gone < time; };
  std::size_t some = std::erase_if(past_services_, before) + std::erase_if(past_nodes_, before);
  some += std::erase_if(gone_pods_, [&](const LifePtr& life) { return before(*life); });
  changed_ = changed_ || some > 0;
  pool_.sweep();
}

// The oldest twentieth is cut at once, so that finding them is paid seldom.
void LiveCluster::bound_gone() {
  if (gone_pods_.size() + past_services_.size() + past_nodes_.size() <= gone_max_) return;
  std::vector<TimePoint> times;
  for (const LifePtr& life : gone_pods_) times.push_back(life->told.gone);
  for (const Service& service : past_services_) times.push_back(service.told.gone);
  for (const Node& node : past_nodes_) times.push_back(node.told.gone);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 20);
  std::nth_element(times.begin(), middle, times.end());
  const TimePoint oldest = *middle;
  const auto old = [&](const auto& object) { return object.told.gone <= oldest; };
  counts_.cut += std::erase_if(past_services_, old) + std::erase_if(past_nodes_, old);
  counts_.cut += std::erase_if(gone_pods_, [&](const LifePtr& life) { return old(*life); });
}

}  // namespace outflow::inventory
