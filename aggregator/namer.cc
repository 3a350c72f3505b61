#include "aggregator/namer.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "aggregator/additions.h"
#include "aggregator/attribution/attribute.h"
#include "aggregator/names/rules.h"

namespace outflow {
namespace {

using attribution::PeerKind;

// An agent's clock may be ahead of ours, as far as the keeper looks.
constexpr auto kAheadMax = std::chrono::days(1);

// Somebody outside, or nobody knows who.
bool may_have_a_name(PeerKind kind) {
  return attribution::is_stranger(kind);
}

// "This host", by which some resolvers say "no", and loopback: nothing of it leaves the pod.
bool is_nobody(const net::Address& address) {
  static const net::Prefix kNobody[] = {*net::Prefix::parse("0.0.0.0/8"),    // RFC 6890
                                        *net::Prefix::parse("127.0.0.0/8"),  // RFC 6890
                                        *net::Prefix::parse("::/127")};  // RFC 4291 2.5.2, 2.5.3
  return std::any_of(std::begin(kNobody), std::end(kNobody),
                     [&](const net::Prefix& prefix) { return prefix.contains(address); });
}

// Whether what a name of this address tells is news. Any port will do: it is the address that a
// name stands for.
bool is_outside(const net::Address& address, TimePoint time, const inventory::Snapshot& snapshot) {
  if (is_nobody(address) || snapshot.in_pod_network(address)) return false;
  return may_have_a_name(
      attribution::attribute_peer(address, 0, Protocol::Tcp, time, snapshot).kind);
}

// Each question about a report is asked once for each thing it is about.
template <class Key, class Value, class Ask>
const Value& once(std::unordered_map<Key, Value>& known, const Key& key, const Ask& ask) {
  const auto entry = known.find(key);
  return entry != known.end() ? entry->second : known.emplace(key, ask()).first->second;
}

// A service or pod of the cluster's own namespaces, or a node. Whoever may run a pod may run a
// resolver, and what it answers shall not open the policy of those who ask it.
bool is_of_the_system(const net::Address& resolver, TimePoint time,
                      const inventory::Snapshot& snapshot) {
  if (snapshot.node_by_address(resolver, time) != nullptr) return true;
  const auto is_system = [](const std::string& name) {
    return name.starts_with("kube-") || name == "openshift-dns";
  };
  const inventory::Service* const service = snapshot.service_by_address(resolver, time);
  if (service != nullptr && is_system(service->namespace_name)) return true;
  const inventory::PodPtr pod = snapshot.pod_by_address(resolver, time);
  return pod != nullptr && is_system(pod->namespace_name);
}

store::NameRecord to_record(const Report& report, const NameAnswer& answer, bool trusted) {
  store::NameRecord record;
  record.day = day_of(answer.last_answered);
  record.name = answer.name;
  record.address = answer.address;
  record.node = report.node;
  record.target = answer.target;
  record.resolver = answer.resolver;
  record.trusted = trusted;
  record.ttl_s = answer.ttl_s;
  record.flags = answer.flags;
  record.answers = answer.answers;
  record.first_answered = answer.first_answered;
  record.last_answered = answer.last_answered;
  if (trusted) record.last_trusted = answer.last_answered;
  record.boot = report.boot;
  record.interface_id = answer.interface_id;
  return record;
}

names::Watch::Before to_before(const store::NodeMark& mark,
                               const std::vector<store::NodeDay>& days) {
  names::Watch::Before before{mark.node, mark.boot, mark.sequence, mark.last_end, {}, {}};
  for (const store::NodeDay& day : days) {
    if (day.node != mark.node) continue;
    before.covered += day.covered;
    if (day.day < day_of(mark.last_end - names::kMissedFor)) continue;
    // When in the day it was, nobody knows.
    for (const auto& [reason, count] : day.losses) before.loss = reason;
    for (const auto& [reason, count] : day.skipped) {
      if (is_answer_loss(reason)) before.loss = reason;
    }
  }
  return before;
}

names::KeptAnswer to_kept(const store::NameRecord& record) {
  NameAnswer answer;
  answer.interface_id = record.interface_id;
  answer.name = record.name;
  answer.address = record.address;
  answer.target = record.target;
  answer.ttl_s = record.ttl_s;
  answer.first_answered = record.first_answered;
  answer.last_answered = record.last_answered;
  return {record.node, record.boot, std::move(answer), record.trusted};
}

names::KeptFlow to_kept(const store::History& history) {
  return {history.raw.node,
          history.raw.interface_name,
          {0, history.raw.destination, history.raw.port, history.raw.protocol},
          history.stats,
          history.naming};
}

}  // namespace

Result<void> Namer::restore(const store::Store& store) {
  const TimePoint now = clock_.now();
  const Day from = day_of(now - names::kVerdictFor);
  const Day to = day_of(now + kAheadMax);
  const auto marks = store.marks();
  if (!marks) return fail(Error(marks.error()));
  std::unordered_map<std::string, TimePoint> stopped;
  for (const store::NodeMark& mark : *marks) stopped[mark.node] = mark.last_end;
  auto scanned = store.scan_names(std::nullopt, from, to, [&](const store::NameRecord& record) {
    const auto node = stopped.find(record.node);
    const TimePoint goes_on = node != stopped.end() ? std::min(node->second, now) : now;
    const TimePoint until = record.last_answered + names::life_of(record.ttl_s);
    if (until + names::kLate >= goes_on) index_.restore(to_kept(record));
    return true;
  });
  if (!scanned) return scanned;
  const auto days = store.node_days(from, to);
  if (!days) return fail(Error(days.error()));
  for (const store::NodeMark& mark : *marks) index_.restore(to_before(mark, *days));
  return store.scan(std::nullopt, from, to, [&](const store::History& history) {
    const bool recent = history.stats.last_seen + names::kVerdictFor >= now;
    if (recent && history.raw.evidence == store::Evidence::Agent) index_.restore(to_kept(history));
    return true;
  });
}

bool Namer::is_trusted(const net::Address& resolver, TimePoint time,
                       const inventory::Snapshot& snapshot) const {
  static const net::Prefix kLinkLocal[] = {*net::Prefix::parse("169.254.0.0/16"),  // RFC 3927
                                           *net::Prefix::parse("fe80::/10")};      // RFC 4291 2.5.6
  const auto holds = [&](const net::Prefix& prefix) { return prefix.contains(resolver); };
  return std::any_of(std::begin(kLinkLocal), std::end(kLinkLocal), holds) ||
         std::any_of(trusted_.begin(), trusted_.end(), holds) ||
         is_of_the_system(resolver, time, snapshot);
}

void Namer::add_names(const Report& report, const inventory::Snapshot& snapshot,
                      store::Addition& addition) {
  const TimePoint end = report.interval.end;
  if (end > clock_.now() + kAheadMax) {
    answers_ahead_ += report.answers.size();
    return;
  }
  std::unordered_map<net::Address, bool> outside;
  std::unordered_map<net::Address, bool> trusted;
  std::unordered_map<std::uint64_t, attribution::Source> sources;
  std::unordered_map<std::uint64_t, const Interface*> interfaces;
  for (const Interface& interface : report.interfaces) interfaces[interface.id] = &interface;
  std::vector<names::Heard> heard;
  for (const NameAnswer& answer : report.answers) {
    if (!once(outside, answer.address, [&] { return is_outside(answer.address, end, snapshot); })) {
      ++cluster_answers_;
      continue;
    }
    heard.push_back({&answer, once(trusted, answer.resolver,
                                   [&] { return is_trusted(answer.resolver, end, snapshot); })});
    store::NameRecord& record =
        addition.names.emplace_back(to_record(report, answer, heard.back().trusted));
    const Interface& interface = *interfaces.at(answer.interface_id);
    const attribution::Source& source = once(sources, answer.interface_id, [&] {
      return attribution::attribute_source(interface, net::Address(), end, snapshot);
    });
    record.interface_name = interface.name;
    record.namespace_name = source.namespace_name;
    record.pod = source.pod;
  }
  std::vector<bool> wanted;
  wanted.reserve(addition.histories.size());
  for (const store::History& history : addition.histories) {
    wanted.push_back(may_have_a_name(history.peer.kind));
  }
  auto evidence = index_.add(report, heard, wanted);
  for (std::size_t at = 0; at < evidence.size(); ++at) {
    if (!wanted[at]) continue;
    addition.histories[at].naming = std::move(evidence[at]);
    name_peer(addition.histories[at]);
  }
}

}  // namespace outflow
