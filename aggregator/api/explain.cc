// `outflow explain`: one destination, who uses it and how, and what the policy would say.
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "aggregator/api/answers.h"
#include "aggregator/api/convert.h"
#include "aggregator/api/target.h"
#include "aggregator/synthesis/synthesize.h"

namespace outflow::api {
namespace {

using attribution::Peer;

// Records of one workload to one address and port. What may not be judged stays apart.
using RowKey = std::tuple<std::string, std::uint16_t, Protocol, net::Address, bool>;
struct RowFacts {
  Peer peer;  // of the latest record
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
  const auto [entry, is_new] =
      rows.try_emplace({workload_text(history.source.workload), history.raw.port,
                        history.raw.protocol, history.raw.destination, apart});
  RowFacts& facts = entry->second;
  if (is_new || history.stats.last_seen >= facts.stats.last_seen) facts.peer = history.peer;
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
std::string rule_of(const RowKey& key, const RowFacts& facts, const analysis::Finding& finding) {
  if (!facts.apart_because.empty()) return "no rule: " + facts.apart_because;
  if (finding.namespace_name.empty()) return "no rule: the source's namespace is not known";
  const std::string name = attribution::display_name(facts.peer);
  for (const auto& need : finding.needs) {
    const bool same = need.port == std::get<1>(key) && need.protocol == std::get<2>(key) &&
                      need.peer.kind == facts.peer.kind &&
                      attribution::display_name(need.peer) == name;
    if (same) return synthesis::verdict_of(need, finding.namespace_name);
  }
  return "no rule: not judged";
}

void put_rows(const Rows& rows, const analysis::Finding& finding, v1::ExplainAnswer& answer) {
  for (const auto& [key, facts] : rows) {
    v1::ExplainRow& row = *answer.add_items();
    row.set_namespace_(namespace_text(finding.namespace_name));
    row.set_workload(std::get<0>(key));
    row.set_pods(facts.pods.size());
    row.set_port(std::get<1>(key));
    row.set_protocol(to_text(std::get<2>(key)));
    row.set_destination(std::get<3>(key).to_string());
    row.set_first_seen(time_text(facts.stats.first_seen));
    row.set_last_seen(time_text(facts.stats.last_seen));
    row.set_days(static_cast<std::uint32_t>(facts.days.size()));
    row.set_attempts(facts.stats.attempts);
    row.set_established(facts.stats.established);
    row.set_refused(facts.stats.refused);
    row.set_packets(facts.stats.packets);
    row.set_bytes(facts.stats.bytes);
    row.set_rule(rule_of(key, facts, finding));
    put_horizon(finding.horizon, *row.mutable_horizon());
  }
}

grpc::Status explain_namespace(const Question& question, const Target& target,
                               const std::string& name, Taken& taken, v1::ExplainAnswer& answer) {
  Rows rows;
  analysis::Analysis analysis(name);
  auto status = question.scan(name, [&](const store::History& history) {
    analysis.add(history);
    if (target.matches(history.raw.destination, history.peer)) {
      add_row(history, rows);
      add_taken(history, target, taken);
    }
    return true;
  });
  if (!status.ok() || rows.empty()) return status;
  put_rows(rows, std::move(analysis).finish(question.horizon(name)), answer);
  return status;
}

// Of a namespace that the caller may not see; what cannot be asked now is not shown either.
bool is_hidden(const Backend& backend, const Peer& peer) {
  if (!backend.may_see || peer.namespace_name.empty()) return false;
  const auto may = backend.may_see(peer.namespace_name);
  return !may || !*may;
}

void put_notes(const Taken& taken, const std::vector<std::string>& notes,
               v1::ExplainAnswer& answer) {
  for (const auto& note : notes) answer.add_notes(note);
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

}  // namespace

grpc::Status answer(const Backend& backend, const v1::ExplainRequest& request,
                    v1::ExplainAnswer& answer) {
  const auto target = Target::parse(request.destination());
  if (!target) return {grpc::StatusCode::INVALID_ARGUMENT, target.error().what};
  const auto question = Question::ask(backend, request.scope());
  if (!question) return question.error();
  *answer.mutable_context() = question->context();
  answer.set_destination(request.destination());
  Taken taken;
  for (const auto& name : question->namespaces()) {
    auto status = explain_namespace(*question, *target, name, taken, answer);
    if (!status.ok()) return status;
  }
  const bool pods_alone = taken.seen && target->is_service() && !is_service(taken.peer);
  auto known = target->known(question->snapshot());
  if (known && is_hidden(backend, *known)) known.reset();
  if (!taken.seen || (pods_alone && known)) taken.peer = known.value_or(Peer());
  const bool is_nothing = !taken.seen && !known;
  if (is_nothing) {
    taken.peer.reason = "nothing of this name was seen, and the inventory has none";
    if (backend.may_see) taken.peer.reason += ", or it is not yours to see";
  }
  answer.set_peer(is_nothing ? "" : attribution::display_name(taken.peer));
  answer.set_peer_kind(std::string(attribution::to_text(taken.peer.kind)));
  answer.set_peer_reason(taken.peer.reason);
  // A peer's name is part of what was seen; what the inventory says of it is not.
  put_notes(taken,
            is_hidden(backend, taken.peer)
                ? std::vector<std::string>{"it is of a namespace that is not yours to see: no more "
                                           "is said of it"}
                : notes_of({taken.peer, taken.seen}, *target, question->snapshot()),
            answer);
  return grpc::Status::OK;
}

}  // namespace outflow::api
