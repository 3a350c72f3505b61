// `outflow explain`: one destination, who uses it and how, and what the policy would say.
#include <algorithm>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/api/answers.h"
#include "aggregator/api/convert.h"
#include "aggregator/api/explain_names.h"
#include "aggregator/api/target.h"
#include "aggregator/feeds/classify.h"
#include "aggregator/synthesis/synthesize.h"

namespace outflow::api {
namespace {

using attribution::Peer;

// Records of one workload to one address and port, while one peer had it. What may not be judged
// stays apart.
struct RowKey {
  std::string workload;
  std::uint16_t port = 0;
  Protocol protocol{};
  net::Address destination;
  bool apart = false;
  attribution::PeerKind kind{};
  std::string peer;
  friend auto operator<=>(const RowKey&, const RowKey&) = default;
};
struct RowFacts {
  attribution::NameEvidence naming;
  FlowStats stats;
  std::set<std::string> pods;
  std::set<Day> days;
  std::string apart_because;
};
using Rows = std::map<RowKey, RowFacts>;

// What the destination was taken for, over all namespaces.
struct Taken {
  Peer peer;
  TimePoint last{};
  bool seen = false;
  std::set<std::string> names;
  bool from_agent = false;
  bool from_log = false;
};

std::string why_apart(const store::History& history) {
  if ((history.raw.apart & kFlowInferred) != 0) {
    return "seen mid-conversation only, who opened it is not known";
  }
  return "sent from an address that is not the pod's own";
}

bool is_apart(const store::History& history) {
  return history.raw.apart != 0 || !history.source.own_address;
}

void add_row(const store::History& history, Rows& rows) {
  const bool apart = is_apart(history);
  RowFacts& facts = rows[{workload_text(history.source.workload), history.raw.port,
                          history.raw.protocol, history.raw.destination, apart, history.peer.kind,
                          attribution::display_name(history.peer)}];
  analysis::merge_naming(history, history.stats.last_seen >= facts.stats.last_seen, facts.naming);
  facts.stats.merge(history.stats);
  facts.days.insert(history.day);
  if (!history.source.pod.empty()) facts.pods.insert(history.source.pod);
  if (apart) facts.apart_because = why_apart(history);
}

// The latest record says what it is; of a service that was asked for, the latest that met it as one
// and not as the pods behind it.
void add_taken(const store::History& history, const Target& target, Taken& taken) {
  const auto rank = [&target](const Peer& peer, TimePoint last) {
    return std::make_pair(!target.is_service() || is_service(peer), last);
  };
  if (!taken.seen || rank(history.peer, history.stats.last_seen) >= rank(taken.peer, taken.last)) {
    taken.peer = history.peer;
    taken.last = history.stats.last_seen;
  }
  taken.seen = true;
  taken.names.insert(attribution::display_name(history.peer));
  (history.raw.evidence == store::Evidence::Log ? taken.from_log : taken.from_agent) = true;
}

// The rule is made for the need, which may hold more than this row: all workloads, all addresses of
// the peer.
std::string rule_of(const RowKey& key, const RowFacts& facts, const analysis::Finding& finding,
                    const synthesis::Names& names) {
  if (!facts.apart_because.empty()) return "no rule: " + facts.apart_because;
  if (finding.namespace_name.empty()) return "no rule: the source's namespace is not known";
  for (const auto& need : finding.needs) {
    const bool same_port = need.port == key.port && need.protocol == key.protocol;
    const bool same_peer =
        need.peer.kind == key.kind &&
        (attribution::display_name(need.peer) == key.peer || need.names.contains(key.peer));
    if (same_port && same_peer) return synthesis::verdict_of(need, finding.needs, names);
  }
  return "no rule: not judged";
}

void put_rows(const Rows& rows, const analysis::Finding& finding, const synthesis::Names& names,
              v1::ExplainAnswer& answer) {
  for (const auto& [key, facts] : rows) {
    v1::ExplainRow& row = *answer.add_items();
    row.set_namespace_(namespace_text(finding.namespace_name));
    row.set_workload(key.workload);
    row.set_pods(facts.pods.size());
    row.set_port(key.port);
    row.set_protocol(to_text(key.protocol));
    row.set_destination(key.destination.to_string());
    row.set_first_seen(time_text(facts.stats.first_seen));
    row.set_last_seen(time_text(facts.stats.last_seen));
    row.set_days(static_cast<std::uint32_t>(facts.days.size()));
    row.set_attempts(facts.stats.attempts);
    row.set_established(facts.stats.established);
    row.set_refused(facts.stats.refused);
    row.set_packets(facts.stats.packets);
    row.set_bytes(facts.stats.bytes);
    row.set_rule(rule_of(key, facts, finding, names));
    put_horizon(finding.horizon, *row.mutable_horizon());
    put_naming(facts.naming, row);
    row.set_peer_kind(std::string(attribution::to_text(key.kind)));
    row.set_peer(key.peer);
  }
}

// What all namespaces together say.
struct Sight {
  Target target;
  Taken taken;
  NameSight names;
  explicit Sight(Target asked) : target(std::move(asked)), names(target) {}
};

grpc::Status explain_namespace(const Question& question, const std::string& name, Sight& sight,
                               v1::ExplainAnswer& answer) {
  Rows rows;
  analysis::Analysis analysis(name);
  auto status = question.scan(name, [&](const store::History& history) {
    analysis.add(history);
    if (sight.target.matches(history)) {
      add_row(history, rows);
      add_taken(history, sight.target, sight.taken);
      sight.names.add(history);
    }
    return true;
  });
  if (!status.ok() || rows.empty()) return status;
  const analysis::Finding finding = std::move(analysis).finish(question.horizon(name));
  const auto sets = question.name_sets(finding);
  if (!sets) return sets.error();
  put_rows(rows, finding, {.namespace_name = name, .sets = *sets}, answer);
  return status;
}

// Of a namespace that the caller may not see; what cannot be asked now is not shown either.
bool is_hidden(const Backend& backend, const Peer& peer) {
  if (!backend.may_see || peer.namespace_name.empty()) return false;
  const auto may = backend.may_see(peer.namespace_name);
  return !may || !*may;
}

void put_evidence_notes(const Taken& taken, v1::ExplainAnswer& answer) {
  if (taken.names.size() > 1) {
    answer.add_notes(
        fmt::format("it was taken for different peers: {}", fmt::join(taken.names, ", ")));
  }
  if (taken.seen) {
    answer.add_notes(taken.from_agent && taken.from_log ? "evidence: agent and imported log"
                     : taken.from_log                   ? "evidence: imported log only"
                                                        : "evidence: agent");
  }
}

std::string source_text(const feeds::RangeMatch& match) {
  constexpr std::size_t kDigestShown = 12;
  if (match.own) return "own range, of " + match.source;
  return fmt::format("feed {} of {}, in effect since {}, sha256 {}", match.feed, match.source,
                     time_text(match.accepted), match.digest.substr(0, kDigestShown));
}

// The range it was in when it was last dialled; of several addresses, the one dialled last.
bool put_range(const Peer& peer, TimePoint when, const feeds::RangeTable& ranges,
               v1::ExplainAnswer& answer) {
  if (peer.provider.empty()) return false;
  const auto match = ranges.find(peer.address, when);
  answer.set_provider(peer.provider);
  if (!match || match->text != peer.provider) return false;
  answer.set_provider_range(match->prefix.to_string());
  answer.set_provider_source(source_text(*match));
  answer.set_shared(match->shared);
  for (const auto& other : match->others) {
    if (other.direction == feeds::Direction::FromVendor) {
      answer.add_notes(fmt::format("also in {} ({}), from where the vendor dials: no destination",
                                   other.text, other.prefix.to_string()));
    }
  }
  return match->shared;
}

// An address of the cluster passes on; what was seen may be of somebody who is gone.
void put_owner_note(const Backend& backend, const Sight& sight, const Peer& now,
                    v1::ExplainAnswer& answer) {
  const bool was_pod = sight.taken.peer.kind == attribution::PeerKind::Workload;
  if (!sight.target.is_address() || !sight.taken.seen || !was_pod) return;
  const std::string then = attribution::display_name(sight.taken.peer);
  if (attribution::display_name(now) == then) return;
  if (!attribution::is_in_inventory(now.kind)) {
    answer.add_notes(fmt::format("its pod is gone: no pod of {} has this address now", then));
  } else if (is_hidden(backend, now)) {
    answer.add_notes(fmt::format("its pod is gone: {} no longer has this address", then));
  } else {
    answer.add_notes(fmt::format("its pod is gone: the address is now that of {}",
                                 attribution::display_name(now)));
  }
}

// Who the destination is for one that no flow went to.
Peer unseen_peer(const Backend& backend, const Sight& sight, const std::optional<Peer>& known) {
  if (known) return *known;
  Peer peer;
  if (const auto told = sight.names.told(1); !sight.target.is_address() && !told.empty()) {
    peer.kind = attribution::PeerKind::Name;
    peer.name = told.front().name;
    peer.address = told.front().address;
    return peer;
  }
  peer.reason = "nothing of this name was seen, and the inventory has none";
  if (backend.may_see) peer.reason += ", or it is not yours to see";
  return peer;
}

std::optional<Peer> known_peer(const Backend& backend, const Question& question,
                               const Target& target) {
  auto known = target.known(question.snapshot());
  if (known && is_hidden(backend, *known)) known.reset();
  return known;
}

grpc::Status look(const Backend& backend, const Question& question, Sight& sight,
                  v1::ExplainAnswer& answer) {
  // Whose pod it is decides whether its addresses may be told by asking for its name.
  if (known_peer(backend, question, sight.target)) sight.target.find_pod(question.snapshot());
  for (const auto& name : question.namespaces()) {
    auto status = explain_namespace(question, name, sight, answer);
    if (!status.ok()) return status;
  }
  if (!sight.target.is_address() && !sight.target.looks_like_dns_name()) return grpc::Status::OK;
  const auto& asked = question.namespaces();  // sorted
  return question.scan_names([&](const store::NameRecord& record) {
    sight.names.add(record, std::binary_search(asked.begin(), asked.end(), record.namespace_name));
    return true;
  });
}

void put_peer(const Backend& backend, const Question& question, Sight& sight,
              v1::ExplainAnswer& answer) {
  Taken& taken = sight.taken;
  const auto known = known_peer(backend, question, sight.target);
  const bool pods_alone = taken.seen && sight.target.is_service() && !is_service(taken.peer);
  if (!taken.seen || (pods_alone && known)) {
    taken.peer = unseen_peer(backend, sight, known);
    taken.last = question.now();
    feeds::classify(taken.peer, taken.last, question.ranges());
  }
  const bool nothing = !taken.seen && !known && taken.peer.kind == attribution::PeerKind::Unknown;
  answer.set_peer(nothing ? "" : attribution::display_name(taken.peer));
  answer.set_peer_kind(std::string(attribution::to_text(taken.peer.kind)));
  answer.set_peer_reason(taken.peer.reason);
  put_told(sight.names.told(kExplainNamesMax), answer);
  const bool shared = put_range(taken.peer, taken.last, question.ranges(), answer);
  for (const auto& note : name_notes(sight.names, taken.peer, shared)) answer.add_notes(note);
  if (known) put_owner_note(backend, sight, *known, answer);
  // A peer's name is part of what was seen; what the inventory says of it is not.
  if (is_hidden(backend, taken.peer)) {
    answer.add_notes("it is of a namespace that is not yours to see: no more is said of it");
  } else {
    const auto notes = notes_of({taken.peer, taken.seen}, sight.target, question.snapshot());
    for (const auto& note : notes) answer.add_notes(note);
  }
  put_evidence_notes(taken, answer);
}

}  // namespace

grpc::Status answer(const Backend& backend, const v1::ExplainRequest& request,
                    v1::ExplainAnswer& answer) {
  auto target = Target::parse(request.destination());
  if (!target) return {grpc::StatusCode::INVALID_ARGUMENT, target.error().what};
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  *answer.mutable_context() = question->context();
  answer.set_destination(request.destination());
  Sight sight(*std::move(target));
  if (auto status = look(backend, *question, sight, answer); !status.ok()) return status;
  put_peer(backend, *question, sight, answer);
  return grpc::Status::OK;
}

}  // namespace outflow::api
