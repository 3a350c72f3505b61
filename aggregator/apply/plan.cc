#include "aggregator/apply/plan.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "aggregator/apply/admit.h"

namespace outflow::apply {
namespace {

using Nets = std::vector<net::Prefix>;

Nets minus(const Nets& from, const Nets& what) {
  Nets rest;
  std::set_difference(from.begin(), from.end(), what.begin(), what.end(), std::back_inserter(rest));
  return rest;
}

// Nothing changes, for this reason.
Plan stay(Plan plan, const Nets& current, std::string reason, std::string what) {
  plan.nets = current;
  plan.added = plan.removed = 0;
  plan.kept = current.size();
  plan.refusals.push_back({std::move(reason), std::move(what)});
  return plan;
}

// Why the set must not be written to at all; no reason when it may be.
Refusal untouchable(const Wanted& wanted, const Current& current) {
  const auto own = current.labels.find(std::string(kOwnLabel));
  if (own == current.labels.end() || own->second != wanted.name) {
    return {"foreign", fmt::format("it does not carry the label {}={}", kOwnLabel, wanted.name)};
  }
  if (!current.odd_net.empty()) {
    return {"unreadable", fmt::format("it holds '{}', which is no net", current.odd_net)};
  }
  return {};
}

struct Parting {
  Nets leave;         // now
  Absences absences;  // of those that stay: since when they are missed
};

Parting part(const Nets& gone, const Before& before, const Rules& rules, bool complete,
             TimePoint now) {
  Parting parting;
  for (const net::Prefix& net : gone) {
    const auto missed = before.absences.find(net);
    const TimePoint since = missed == before.absences.end() ? now : missed->second;
    parting.absences[net] = since;
    if (complete && now - since >= rules.remove_after) parting.leave.push_back(net);
  }
  const bool all = before.current != nullptr && parting.leave == before.current->nets;
  if (all && !rules.may_empty) parting.leave.clear();
  for (const net::Prefix& net : parting.leave) parting.absences.erase(net);
  return parting;
}

}  // namespace

Plan plan(const Wanted& wanted, const Before& before, const Rules& rules, const Trust& trust,
          TimePoint now) {
  static const Nets kNone;
  const Nets& current = before.current != nullptr ? before.current->nets : kNone;
  Plan plan;
  if (before.current != nullptr) {
    Refusal refusal = untouchable(wanted, *before.current);
    if (!refusal.reason.empty()) return stay({}, current, refusal.reason, refusal.what);
  }
  // A set in use whose pool grew still gets what was answered, or its users would be denied just
  // then; but nothing leaves it, and no set begins so.
  if (!wanted.usable && current.empty()) return stay({}, current, "unusable", wanted.reason);
  Admitted admitted = admit(wanted.nets, rules);
  plan.refusals = std::move(admitted.refusals);
  if (admitted.nets.empty() && !current.empty() && !rules.may_empty) {
    return stay(std::move(plan), current, "would_empty",
                fmt::format("nothing of it is wanted; its {} nets stay", current.size()));
  }
  const Nets gone = minus(current, admitted.nets);
  Parting parting = part(gone, before, rules, trust.complete() && wanted.usable, now);
  plan.absences = std::move(parting.absences);
  plan.added = minus(admitted.nets, current).size();
  plan.removed = parting.leave.size();
  plan.kept = gone.size() - parting.leave.size();
  const Nets rest = minus(current, parting.leave);
  std::set_union(rest.begin(), rest.end(), admitted.nets.begin(), admitted.nets.end(),
                 std::back_inserter(plan.nets));
  if (plan.nets.size() > rules.nets_max) {
    std::string what = fmt::format("{} nets with those that stay for now, at most {}",
                                   plan.nets.size(), rules.nets_max);
    return stay(std::move(plan), current, "too_many", std::move(what));
  }
  if (!wanted.usable) {
    plan.refusals.push_back(
        {"unusable", fmt::format("{}; it only gets addresses, none leaves", wanted.reason)});
  }
  if (!gone.empty() && !trust.complete()) {
    plan.refusals.push_back({"incomplete", fmt::format("{} nets that are not wanted stay: {}",
                                                       gone.size(), trust.why_not)});
  }
  return plan;
}

}  // namespace outflow::apply
