// What goes out of the index: the evidence of one flow.
#include <algorithm>
#include <tuple>

#include "aggregator/names/resolvers.h"
#include "aggregator/names/rules.h"
#include "aggregator/names/state.h"

namespace outflow::names {
namespace {

using attribution::NameEvidence;
using attribution::Naming;

constexpr std::uint32_t kOlderThanWatch = kFlowPreExisting | kFlowInferred;

// Whether an opening of this protocol is counted.
bool counts_openings(Protocol protocol) {
  return protocol == Protocol::Tcp || protocol == Protocol::Sctp;
}

// Whether the pod itself was told the name, or said it.
bool is_own_word(const Verdict& verdict) {
  return std::any_of(verdict.shares.begin(), verdict.shares.end(), [](const Share& share) {
    return share.said || share.basis == attribution::Basis::Pod;
  });
}

}  // namespace

const std::vector<Index::State::SaidThere>* Index::State::said_there(const Case& one) const {
  if (one.flow.key.protocol != Protocol::Tcp) return nullptr;
  const auto entry =
      said_.find({one.asker.pod, one.flow.key.destination_port, one.flow.key.destination});
  return entry != said_.end() ? &entry->second : nullptr;
}

Index::State::Case Index::State::case_of(const Report& report, const Flow& flow, Id place) {
  Case one{report,
           flow,
           asker_of(report.node, report.boot, flow.key.interface_id),
           {place, flow.key.destination_port, flow.key.protocol, flow.key.destination},
           {}};
  const auto* const there = said_there(one);
  if (there == nullptr) return one;
  for (const SaidThere& said : *there) {
    // With Encrypted ClientHello the name in the clear is that of the front (RFC 9849).
    const bool tells = said.name != 0 && (said.flags & kSaidEch) == 0;
    // It was a packet of the flow, so it is within the span of the report that has its end.
    if (!tells || said.last < flow.stats.first_seen - kSameMoment ||
        said.last > flow.stats.last_seen + kSameMoment) {
      continue;
    }
    const auto same = std::find_if(one.said.begin(), one.said.end(),
                                   [&](const Said& other) { return other.name == said.name; });
    if (same == one.said.end()) {
      one.said.push_back({said.name, said.count});
    } else {
      same->count += said.count;
    }
  }
  return one;
}

std::vector<attribution::SaidEvidence> Index::State::said_evidence(const Case& one) {
  NameEvidence sum;  // joins and bounds them
  if (said_there(one) == nullptr) return {};
  for (SaidThere& said :
       said_.at({one.asker.pod, one.flow.key.destination_port, one.flow.key.destination})) {
    if (said.told_in != 0 && said.told_in != one.report.sequence) continue;
    if (said.last < one.flow.stats.first_seen - kSameMoment ||
        said.last > one.flow.stats.last_seen + kSameMoment) {
      continue;
    }
    said.told_in = one.report.sequence;
    NameEvidence next;
    next.said = {{names_.key(said.name), said.flags, said.count}};
    sum.merge(next);
  }
  return sum.said;
}

Verdict Index::State::because(Naming naming, const std::string& reason) {
  return {naming, {}, names_.id_of(reason)};
}

Verdict Index::State::without_name(const Case& one, TimePoint time) {
  const FlowKey& key = one.flow.key;
  const bool is_resolver = is_opaque_resolver(key) || resolver_addresses_.contains(key.destination);
  const auto opaque = opaque_.find(one.tuple.place);
  if (!is_resolver && opaque != opaque_.end() && opaque->second.since <= time + kSameMoment &&
      time - opaque->second.last <= kOpaqueFor) {
    return because(Naming::OpaqueResolver, "its pod asks " + names_.key(opaque->second.resolver) +
                                               ", which nobody can read");
  }
  const FlowStats& stats = one.flow.stats;
  if (stats.attempts == 0 && (stats.flags & kOlderThanWatch) != 0) {
    return because(Naming::Unknown, "it was opened before the agent looked");
  }
  if (const auto why = watch_.missed(one.report.node, key.interface_id, time)) {
    return because(Naming::Unknown, *why);
  }
  if (answers_.forgotten_until(one.asker.pod) >= time) {
    return because(Naming::Unknown, "names were forgotten for want of room");
  }
  return {Naming::RawAddress, {}, 0};
}

Verdict Index::State::look(const Case& one, std::span<const TimePoint> times) {
  std::vector<Look> looks;
  for (const TimePoint time : times) {
    looks.push_back({time, answers_.at(one.flow.key.destination, one.asker, time)});
  }
  Verdict verdict = weigh(looks, one.said);
  if (is_own_word(verdict)) return verdict;
  Verdict without = without_name(one, times.back());
  if (verdict.naming == Naming::None) return without;
  // What others were told may be what this pod was told where nobody saw it. Where every lookup of
  // its own would have been seen it asked for no name: theirs are shown, and name nothing.
  if (without.naming != Naming::RawAddress) return verdict;
  without.shares = std::move(verdict.shares);
  return without;
}

Verdict Index::State::judge(const Case& one) {
  const FlowKey& key = one.flow.key;
  const FlowStats& stats = one.flow.stats;
  // The agent gives an old tuple the interval's start.
  const bool anew = stats.first_seen > watch_.interval_start(one.report);
  const TimePoint opened[] = {stats.first_seen, stats.last_seen};
  const std::span<const TimePoint> times(opened);
  Tuples::Kept* const before = tuples_.find(one.tuple, key.interface_id);
  TimePoint judged = stats.last_seen;
  Verdict verdict;
  if (counts_openings(key.protocol) && stats.attempts > 0) {
    verdict = look(one, !anew ? times.last(1) : stats.attempts == 1 ? times.first(1) : times);
  } else if (counts_openings(key.protocol) && before != nullptr) {
    verdict = before->verdict;
    decide(verdict, one.said);
  } else if (counts_openings(key.protocol)) {
    verdict = look(one, times.first(1));
    if (verdict.naming == Naming::RawAddress) {
      verdict = because(Naming::Unknown, "its opening was not reported");
    }
  } else if (before != nullptr && !before->verdict.shares.empty() &&
             !answers_.told_between(key.destination, one.asker, before->judged, stats.last_seen)) {
    verdict = before->verdict;
    judged = before->judged;
  } else {
    verdict = look(one, anew ? times.first(1) : times.last(1));
  }
  tuples_.put(one.tuple, {verdict, key.interface_id, judged, stats.last_seen});
  return verdict;
}

NameEvidence Index::State::evidence_of(const Verdict& verdict) const {
  NameEvidence evidence;
  evidence.naming = verdict.naming;
  evidence.reason = names_.key(verdict.reason);
  const Share* best = nullptr;
  for (const Share& share : verdict.shares) {
    evidence.candidates.push_back(
        {names_.key(share.name), share.permille, share.basis, share.said});
    if (best == nullptr || std::tie(share.permille, names_.key(best->name)) >
                               std::tie(best->permille, names_.key(share.name))) {
      best = &share;
    }
  }
  std::sort(evidence.candidates.begin(), evidence.candidates.end(),
            [](const auto& a, const auto& b) {
              return std::tie(b.permille, a.name) < std::tie(a.permille, b.name);
            });
  if (best != nullptr) evidence.target = names_.key(best->target);
  return evidence;
}

}  // namespace outflow::names
