#include "aggregator/api/explain_names.h"

#include <algorithm>
#include <tuple>

#include "aggregator/api/convert.h"

namespace outflow::api {
namespace {

using attribution::Basis;
using attribution::Naming;

}  // namespace

Told& NameSight::told_of(const std::string& name, const net::Address& address) {
  Told& told = told_[{name, address}];
  told.name = name;
  told.address = address;
  return told;
}

void NameSight::add_doubt(const store::History& history) {
  const auto& naming = history.naming;
  doubts_.outside =
      doubts_.outside || naming.naming != Naming::None || is_outside(history.peer.kind);
  switch (naming.naming) {
    case Naming::Named:
    case Naming::Ambiguous:
      doubts_.named = true;
      break;
    case Naming::RawAddress:
      doubts_.raw = true;
      break;
    case Naming::OpaqueResolver:
      doubts_.opaque.insert(naming.reason);
      break;
    case Naming::Unknown:
      doubts_.unknown.insert(naming.reason);
      break;
    case Naming::None:
      doubts_.not_looked = doubts_.not_looked || is_outside(history.peer.kind);
      break;
  }
  if (naming.naming == Naming::Ambiguous && history.stats.last_seen >= doubts_.ambiguous_at) {
    doubts_.ambiguous = naming.candidates;
    doubts_.ambiguous_at = history.stats.last_seen;
  }
  for (const auto& one : naming.said) doubts_.said[{one.name, one.flags, 0}] += one.count;
}

void NameSight::add(const store::History& history) {
  add_doubt(history);
  for (const auto& candidate : history.naming.candidates) {
    doubts_.candidates.insert(candidate.name);
    doubts_.own_answer = doubts_.own_answer || candidate.basis == Basis::Pod;
    Told& told = told_of(candidate.name, history.raw.destination);
    if (candidate.permille <= told.permille) continue;
    told.permille = candidate.permille;
    told.basis = attribution::to_text(candidate.basis);
    if (told.target.empty() && history.naming.candidates.front() == candidate) {
      told.target = history.naming.target;
    }
  }
}

void NameSight::add(const store::NameRecord& record, bool asked_about) {
  if (!target_.is_told(record.name, record.address)) return;
  if (!asked_about) {
    elsewhere_[record.name].insert(record.namespace_name);
    return;
  }
  Told& told = told_of(record.name, record.address);
  told.namespaces.insert(record.namespace_name);
  told.answers += record.answers;
  told.trusted = told.trusted || record.trusted;
  if (told.first == TimePoint() || record.first_answered < told.first) {
    told.first = record.first_answered;
  }
  if (record.last_answered < told.last) return;
  told.last = record.last_answered;
  told.ttl_s = record.ttl_s;
  told.target = record.target;
  told.resolver = record.resolver;
}

std::vector<Told> NameSight::told(std::size_t limit) const {
  std::vector<Told> all;
  all.reserve(told_.size());
  for (const auto& [key, told] : told_) all.push_back(told);
  std::stable_sort(all.begin(), all.end(), [](const Told& a, const Told& b) {
    return std::tie(b.permille, b.last) < std::tie(a.permille, a.last);
  });
  if (all.size() > limit) all.resize(limit);
  return all;
}

void put_told(const std::vector<Told>& told, v1::ExplainAnswer& answer) {
  constexpr double kPermille = 1000;
  for (const Told& one : told) {
    v1::ExplainName& name = *answer.add_names();
    name.set_name(one.name);
    name.set_address(one.address.to_string());
    for (const auto& who : one.namespaces) name.add_namespaces(namespace_text(who));
    name.set_confidence(one.permille / kPermille);
    name.set_basis(one.basis);
    name.set_answers(one.answers);
    name.set_ttl_s(one.ttl_s);
    name.set_target(one.target);
    name.set_first_answered(time_text(one.first));
    name.set_last_answered(time_text(one.last));
    if (one.answers > 0) name.set_resolver(one.resolver.to_string());
    name.set_trusted(one.trusted);
  }
}

}  // namespace outflow::api
