// What comes into the index: answers, said names, connections to resolvers; and what goes again.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "aggregator/names/resolvers.h"
#include "aggregator/names/rules.h"
#include "aggregator/names/state.h"

namespace outflow::names {
namespace {

constexpr std::size_t kResolverAddressesMax = 4096;

// Packets that went there, or an answer that came: a connection that was refused told nothing.
bool spoke(const FlowKey& key, const FlowStats& stats) {
  if (key.protocol != Protocol::Tcp) return stats.packets > 0;
  return stats.established > 0 || (stats.attempts == 0 && stats.packets > 0);
}

}  // namespace

std::size_t PodHash::operator()(const PodKey& key) const noexcept {
  std::uint64_t half = 0;
  std::memcpy(&half, key.boot.data(), sizeof half);
  return static_cast<std::size_t>((half ^ key.node) * 0x9e3779b97f4a7c15ULL ^
                                  key.interface_id * 0xc2b2ae3d27d4eb4fULL);
}

std::size_t Index::State::SaidHash::operator()(const SaidKey& key) const noexcept {
  const std::uint64_t rest = (std::uint64_t{key.pod} << 16U) | key.port;
  return std::hash<net::Address>()(key.destination) ^ (rest * 0xff51afd7ed558ccdULL);
}

Asker Index::State::asker_of(const std::string& node, const BootId& boot, std::uint64_t id) {
  const Id number = nodes_.id_of(node);
  return {number, pods_.id_of({number, boot, id})};
}

Id Index::State::place_of(const std::string& node, const std::string& interface_name) {
  return places_.id_of(node + '/' + interface_name);
}

void Index::State::take(const std::string& node, const BootId& boot, const NameAnswer& answer,
                        bool trusted) {
  const Asker asker = asker_of(node, boot, answer.interface_id);
  const Id name = names_.id_of(answer.name);
  answers_.add({.address = answer.address,
                .node = asker.node,
                .pod = asker.pod,
                .name = name,
                .target = names_.id_of(answer.target),
                .ttl_s = answer.ttl_s,
                .trusted = trusted,
                .first = answer.first_answered,
                .last = answer.last_answered});
  if (is_resolver_name(answer.name)) {
    // Whoever has such a name answered with very many addresses must not hide those that are used.
    if (resolver_addresses_.size() >= kResolverAddressesMax) {
      resolver_addresses_.erase(resolver_addresses_.begin());
    }
    resolver_addresses_[answer.address] = name;
  }
}

void Index::State::take_said(const Report& report) {
  for (const SaidName& one : report.said) {
    if (said_size_ >= said_max_) {
      ++said_not_kept_;
      continue;
    }
    const Asker asker = asker_of(report.node, report.boot, one.interface_id);
    said_[{asker.pod, one.destination_port, one.destination}].push_back(
        {names_.id_of(one.name), one.flags, one.count, one.first_said, one.last_said});
    ++said_size_;
  }
}

void Index::State::see_resolver(Id place, const FlowKey& key, const FlowStats& stats, Asker asker) {
  if (!spoke(key, stats)) return;
  std::string called;
  if (is_opaque_resolver(key)) {
    called = fmt::format("{}:{}/{}", key.destination.to_string(), key.destination_port,
                         to_text(key.protocol));
  } else if (key.destination_port == kHttpsPort && resolver_addresses_.contains(key.destination)) {
    const Id name = resolver_addresses_.at(key.destination);
    const auto told = answers_.at(key.destination, asker, stats.last_seen);
    const bool asked = std::any_of(told.begin(), told.end(), [&](const Sighting& one) {
      return one.name == name && one.basis == attribution::Basis::Pod;
    });
    if (!asked) return;
    called = names_.key(name);
  } else {
    return;
  }
  Opaque& seen = opaque_[place];
  if (seen.last == TimePoint() || stats.first_seen - seen.last > kOpaqueFor) {
    seen.since = stats.first_seen;
  }
  seen.last = std::max(seen.last, stats.last_seen);
  seen.resolver = names_.id_of(called);
}

std::vector<attribution::NameEvidence> Index::State::add(const Report& report,
                                                         std::span<const Heard> heard,
                                                         const std::vector<bool>& wanted) {
  const bool fresh = watch_.hear(report);
  if (fresh) {
    for (const Heard& one : heard) {
      take(report.node, report.boot, *one.answer, one.trusted);
      taken_ += one.answer->answers;
    }
    take_said(report);
  }
  std::unordered_map<std::uint64_t, Id> places;
  for (const Interface& interface : report.interfaces) {
    places[interface.id] = place_of(report.node, interface.name);
  }
  for (const Flow& flow : report.flows) {
    const std::uint64_t id = flow.key.interface_id;
    see_resolver(places.at(id), flow.key, flow.stats, asker_of(report.node, report.boot, id));
  }
  std::vector<attribution::NameEvidence> found(report.flows.size());
  for (std::size_t at = 0; at < found.size(); ++at) {
    if (!wanted[at]) continue;
    const Flow& flow = report.flows[at];
    const Case one = case_of(report, flow, places.at(flow.key.interface_id));
    found[at] = evidence_of(judge(one));
    found[at].said = said_evidence(one);
    if (fresh) ++flows_[found[at].naming];
  }
  if (names_.size() + pods_.size() > drop_at_) drop_unused();
  return found;
}

void Index::State::restore(const KeptAnswer& kept) {
  take(kept.node, kept.boot, kept.answer, kept.trusted);
}

void Index::State::restore(const KeptFlow& kept) {
  const Id place = place_of(kept.node, kept.interface_name);
  see_resolver(place, kept.key, kept.stats, {});
  if (kept.naming.naming == attribution::Naming::None) return;
  Verdict verdict;
  verdict.naming = kept.naming.naming;
  verdict.reason = names_.id_of(kept.naming.reason);
  for (const attribution::Candidate& one : kept.naming.candidates) {
    const Id target = verdict.shares.empty() ? names_.id_of(kept.naming.target) : 0;
    verdict.shares.push_back({names_.id_of(one.name), target, one.permille, one.basis, one.said});
    // What it once asked for, on that port: where it is one of the resolvers, it spoke to it.
    if (is_resolver_name(one.name) && resolver_addresses_.size() < kResolverAddressesMax) {
      resolver_addresses_[kept.key.destination] = verdict.shares.back().name;
    }
  }
  const TupleKey key{place, kept.key.destination_port, kept.key.protocol, kept.key.destination};
  const Tuples::Kept* const other = tuples_.find(key, 0);
  if (other != nullptr && other->used > kept.stats.last_seen) return;
  tuples_.put(key, {std::move(verdict), 0, kept.stats.last_seen, kept.stats.last_seen});
}

// A node may be behind: what it tells next is about where it stopped.
std::vector<TimePoint> Index::State::ends_by_node(TimePoint now) const {
  std::vector<TimePoint> ends(nodes_.marks().size(), now - kLate);
  nodes_.visit([&](const std::string& node, Id id) {
    ends[id] = std::clamp(watch_.heard_until(node), now - kBehindMax, now) - kLate;
  });
  return ends;
}

void Index::State::sweep(TimePoint now) {
  answers_.sweep(ends_by_node(now), now - kLate);
  tuples_.sweep(now - kVerdictFor);
  said_size_ = 0;
  for (auto entry = said_.begin(); entry != said_.end();) {
    std::erase_if(entry->second, [&](const SaidThere& one) { return one.last < now - kLate; });
    said_size_ += entry->second.size();
    entry = entry->second.empty() ? said_.erase(entry) : std::next(entry);
  }
  std::erase_if(opaque_,
                [&](const auto& one) { return one.second.last < now - kOpaqueFor - kLate; });
  drop_unused();
}

void Index::State::drop_unused() {
  auto names = names_.marks();
  auto nodes = nodes_.marks();
  auto pods = pods_.marks();
  auto places = places_.marks();
  names[0] = true;
  answers_.visit_ids([&](Id node, Id pod, Id name, Id target) {
    nodes[node] = pods[pod] = names[name] = names[target] = true;
  });
  tuples_.visit([&](const TupleKey& key, const Tuples::Kept& kept) {
    places[key.place] = names[kept.verdict.reason] = true;
    for (const Share& share : kept.verdict.shares) names[share.name] = names[share.target] = true;
  });
  for (const auto& [key, said] : said_) {
    pods[key.pod] = true;
    for (const SaidThere& one : said) names[one.name] = true;
  }
  for (const auto& [place, seen] : opaque_) places[place] = names[seen.resolver] = true;
  std::erase_if(resolver_addresses_, [&](const auto& one) { return !names[one.second]; });
  pods_.keep_only(pods);
  pods_.visit([&](const PodKey& pod, Id) { nodes[pod.node] = true; });
  nodes_.keep_only(nodes);
  names_.keep_only(names);
  places_.keep_only(places);
  drop_at_ = std::max(kUnusedMin, 2 * (names_.size() + pods_.size()));
}

Counts Index::State::counts() const {
  return {.intervals = answers_.size(),
          .names = names_.size(),
          .tuples = tuples_.size(),
          .answers = taken_,
          .forgotten = answers_.forgotten(),
          .not_kept = tuples_.not_kept() + said_not_kept_,
          .flows = flows_};
}

}  // namespace outflow::names
