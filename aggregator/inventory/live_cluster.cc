// What is told, kind by kind, and what it makes a snapshot of. Pods are in live_pods.cc.
#include "aggregator/inventory/live_cluster.h"

#include <algorithm>
#include <iterator>

namespace outflow::inventory {
namespace {

template <class T>
bool same_addresses(const T& a, const T& b);
template <>
bool same_addresses(const Node& a, const Node& b) {
  return a.addresses == b.addresses;
}
template <>
bool same_addresses(const Service& a, const Service& b) {
  return a.cluster_addresses == b.cluster_addresses;
}

template <class Map>
auto values_of(const Map& map) {
  std::vector<typename Map::mapped_type> values;
  values.reserve(map.size());
  for (const auto& [key, value] : map) values.push_back(value);
  return values;
}

}  // namespace

void LiveCluster::begin_list(Kind kind) {
  const MutexLock lock(mutex_);
  listings_[kind] = {};
}

void LiveCluster::end_list(Kind kind, TimePoint at) {
  const MutexLock lock(mutex_);
  const auto listing = listings_.find(kind);
  if (listing != listings_.end()) {
    // Before the first list nothing was told, and what an earlier run knew it had told until then.
    const TimePoint last = std::min(states_.heard_of(kind), at);
    if (kind == Kind::Pod) {
      end_of_pods(listing->second, last, at);
    } else {
      end_of_others(kind, listing->second, last, at);
    }
    listings_.erase(listing);
  }
  states_.synced(kind, at);
  changed_ = true;
}

void LiveCluster::put(Object object, TimePoint at) {
  const MutexLock lock(mutex_);
  const Key key = key_of(object);
  const auto listing = listings_.find(key.kind);
  if (listing != listings_.end() && key.kind != Kind::Pod) {
    listing->second.names.insert({key.namespace_name, key.name});
  }
  std::visit([&](auto& of_kind) REQUIRES(mutex_) { put_object(std::move(of_kind), at); }, object);
}

void LiveCluster::remove(Object last, TimePoint at) {
  const MutexLock lock(mutex_);
  if (const Pod* pod = std::get_if<Pod>(&last)) {
    remove_pod(*pod, at);
  } else {
    remove_named(key_of(last), at, at);
  }
  changed_ = true;
}

void LiveCluster::heard(Kind kind, TimePoint at) {
  const MutexLock lock(mutex_);
  changed_ = changed_ || states_.is_failing(kind);  // what is there holds again
  states_.heard(kind, at);
}

void LiveCluster::fail(Kind kind, std::string why) {
  const MutexLock lock(mutex_);
  changed_ = changed_ || !states_.is_failing(kind);
  states_.failed(kind, std::move(why));
}

void LiveCluster::absent(Kind kind, std::string why) {
  const MutexLock lock(mutex_);
  // What there was of a kind that is no more is gone.
  listings_.erase(kind);
  const TimePoint last = states_.heard_of(kind);
  if (kind == Kind::Pod) {
    end_of_pods({}, last, last);
  } else {
    end_of_others(kind, {}, last, last);
  }
  states_.absent(kind, std::move(why));
  changed_ = true;
}

void LiveCluster::put_object(Namespace object, TimePoint /*at*/) {
  Namespace& kept = namespaces_[{"", object.name}];
  changed_ = changed_ || kept.name.empty() || kept.labels != object.labels;
  kept = std::move(object);
}

template <class T>
void LiveCluster::put_timed(std::map<Name, T>& there, std::vector<T>& past, T object,
                            TimePoint at) {
  const Key key = key_of(object);
  const Name name{key.namespace_name, key.name};
  object.told = {};
  auto found = there.find(name);
  if (found != there.end() && !same_addresses(found->second, object)) {
    const TimePoint first = found->second.told.first;
    end_timed(there, past, name, at, at);
    object.told.not_before = std::max(first, at);
    found = there.end();
  }
  if (found != there.end()) {
    object.told = found->second.told;
    found->second = std::move(object);
  } else {
    object.told.first = at;
    // A list tells what came since it was heard of last; an event tells what comes now.
    const bool listed = listings_.contains(key.kind);
    if (object.told.not_before == TimePoint()) {
      object.told.not_before = listed ? states_.heard_of(key.kind) : at;
    }
    unsaved_.emplace_back(object);
    there.emplace(name, std::move(object));
  }
  changed_ = true;
}

template <class T>
void LiveCluster::end_timed(std::map<Name, T>& there, std::vector<T>& past, const Name& name,
                            TimePoint last, TimePoint gone) {
  const auto found = there.find(name);
  if (found == there.end()) return;
  T object = std::move(found->second);
  there.erase(found);
  object.told.last = last;
  object.told.gone = gone;
  unsaved_.emplace_back(object);
  past.push_back(std::move(object));
  bound_gone();
}

void LiveCluster::put_object(Node object, TimePoint at) {
  put_timed(nodes_, past_nodes_, std::move(object), at);
}

void LiveCluster::put_object(Service object, TimePoint at) {
  put_timed(services_, past_services_, std::move(object), at);
}

void LiveCluster::put_object(EndpointSlice object, TimePoint /*at*/) {
  slices_[{object.namespace_name, object.name}] = std::move(object);
  changed_ = true;
}

void LiveCluster::put_object(NetworkPolicy object, TimePoint /*at*/) {
  network_policies_[{object.namespace_name, object.name}] = std::move(object);
  changed_ = true;
}

void LiveCluster::put_object(CalicoPolicy object, TimePoint /*at*/) {
  calico_policies_[key_of(object)] = std::move(object);
  changed_ = true;
}

void LiveCluster::put_object(CalicoTier object, TimePoint /*at*/) {
  calico_tiers_[key_of(object)] = std::move(object);
  changed_ = true;
}

void LiveCluster::put_object(NetworkSet object, TimePoint /*at*/) {
  network_sets_[key_of(object)] = std::move(object);
  changed_ = true;
}

void LiveCluster::remove_named(const Key& key, TimePoint last, TimePoint gone) {
  const Name name{key.namespace_name, key.name};
  switch (key.kind) {
    case Kind::Namespace:
      namespaces_.erase(name);
      break;
    case Kind::Node:
      end_timed(nodes_, past_nodes_, name, last, gone);
      break;
    case Kind::Service:
      end_timed(services_, past_services_, name, last, gone);
      break;
    case Kind::EndpointSlice:
      slices_.erase(name);
      break;
    case Kind::NetworkPolicy:
      network_policies_.erase(name);
      break;
    case Kind::CalicoTier:
      calico_tiers_.erase(key);
      break;
    case Kind::CalicoPolicy:
    case Kind::GlobalCalicoPolicy:
      calico_policies_.erase(key);
      break;
    case Kind::NetworkSet:
    case Kind::GlobalNetworkSet:
      network_sets_.erase(key);
      break;
    default:
      forget_owner(key);
  }
}

void LiveCluster::end_of_others(Kind kind, const Listing& listing, TimePoint last, TimePoint at) {
  for (const Name& name : names_of(kind)) {
    if (!listing.names.contains(name)) remove_named({kind, name.first, name.second}, last, at);
  }
}

std::vector<LiveCluster::Name> LiveCluster::names_of(Kind kind) const {
  std::vector<Name> names;
  const auto all_of = [&](const auto& map) {
    for (const auto& [name, object] : map) names.push_back(name);
  };
  const auto of_kind = [&](const auto& map) {
    for (const auto& [key, object] : map) {
      if (key.kind == kind) names.push_back({key.namespace_name, key.name});
    }
  };
  if (kind == Kind::Namespace) all_of(namespaces_);
  if (kind == Kind::Node) all_of(nodes_);
  if (kind == Kind::Service) all_of(services_);
  if (kind == Kind::EndpointSlice) all_of(slices_);
  if (kind == Kind::NetworkPolicy) all_of(network_policies_);
  of_kind(calico_policies_);
  of_kind(calico_tiers_);
  of_kind(network_sets_);
  for (const auto& [key, owner] : owners_) {
    if (key.kind == kind && !owner.gone) names.push_back({key.namespace_name, key.name});
  }
  return names;
}

Model LiveCluster::model() const {
  Model model;
  model.namespaces = values_of(namespaces_);
  model.nodes = values_of(nodes_);
  model.past_nodes = past_nodes_;
  model.services = values_of(services_);
  model.past_services = past_services_;
  for (const auto& [name, slice] : slices_) {
    model.endpoints.insert(model.endpoints.end(), slice.endpoints.begin(), slice.endpoints.end());
  }
  for (const auto& [name, policy] : network_policies_) {
    if (policy.limits_egress) {
      model.egress_policies.push_back({policy.namespace_name, policy.name});
    }
  }
  model.has_network_policies = states_.is_known(Kind::NetworkPolicy);
  model.calico_policies = values_of(calico_policies_);
  model.calico_tiers = values_of(calico_tiers_);
  model.network_sets = values_of(network_sets_);
  model.has_calico_policies = states_.is_known(Kind::CalicoTier) &&
                              states_.is_known(Kind::CalicoPolicy) &&
                              states_.is_known(Kind::GlobalCalicoPolicy);
  return model;
}

std::shared_ptr<const Snapshot> LiveCluster::snapshot() {
  Model model;
  Lives lives;
  TimePoint as_of;
  {
    const MutexLock lock(mutex_);
    if (!changed_ || !states_.ready()) return nullptr;
    changed_ = false;
    model = this->model();
    lives.pods.reserve(pods_.size() + gone_pods_.size());
    std::merge(pods_.begin(), pods_.end(), gone_pods_.begin(), gone_pods_.end(),
               std::back_inserter(lives.pods), ByName());
    lives.pods_until = states_.holds_until(Kind::Pod);
    lives.services_until = states_.holds_until(Kind::Service);
    lives.nodes_until = states_.holds_until(Kind::Node);
    lives.known_until = states_.known_until();
    as_of = states_.as_of();
  }
  // The indexes are made without the lock: nobody who tells waits for them.
  return std::make_shared<const Snapshot>(std::move(model), std::move(lives), as_of);
}

std::shared_ptr<const Snapshot> LiveCluster::nothing_yet() {
  Lives lives;
  lives.known_until = TimePoint();
  return std::make_shared<const Snapshot>(Model{}, std::move(lives), TimePoint());
}

FeedStates LiveCluster::states() const {
  const MutexLock lock(mutex_);
  return states_;
}

LiveCluster::Counts LiveCluster::counts() const {
  const MutexLock lock(mutex_);
  Counts counts = counts_;
  counts.gone = gone_pods_.size() + past_services_.size() + past_nodes_.size();
  return counts;
}

std::vector<Held> LiveCluster::take_unsaved() {
  const MutexLock lock(mutex_);
  return std::exchange(unsaved_, {});
}

}  // namespace outflow::inventory
