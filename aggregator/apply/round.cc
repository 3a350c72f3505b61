#include "aggregator/apply/round.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/log.h"
#include "common/redact.h"

namespace outflow::apply {
namespace {

// So many sets in a row that cannot be read or written: then it is the server, and each of the
// others would wait for it, too.
constexpr int kErrorsMax = 3;
// A set that others write to all the time is left for the next round.
constexpr int kTries = 2;

constexpr const char* kCurrent = "current";
constexpr const char* kAbsent = "absent";
constexpr const char* kConflict = "conflict";
constexpr const char* kRefused = "refused";

std::string line_of(const std::string& name, const Plan& plan, bool dry_run) {
  return fmt::format("{}{}: {} added, {} removed, {} kept, {} nets now", dry_run ? "would " : "",
                     "apply " + name, plan.added, plan.removed, plan.kept, plan.nets.size());
}

}  // namespace

Standing Rounds::run() {
  Standing standing;
  const auto asked = parts_.ask();
  if (!asked) {
    ++counts_.aggregator_errors;
    tell_error(asked.error().what, standing);
    return standing;
  }
  const Answered answered = read_answer(asked->sets, asked->status, settings_.namespaces);
  say("", answered.refusals, said_);
  standing.partial = !answered.refusals.empty() || !answered.trust.complete();
  std::map<std::string, Seen> still;
  for (const Wanted& wanted : answered.sets) {
    if (auto seen = seen_.extract(wanted.name)) still.insert(std::move(seen));
  }
  seen_ = std::move(still);
  int errors = 0;
  for (const Wanted& wanted : answered.sets) {
    if (const auto followed = follow(wanted, answered.trust, standing); followed) {
      errors = 0;
    } else {
      ++counts_.api_errors;
      if (standing.error.empty()) tell_error(followed.error().what, standing);
      if (++errors == kErrorsMax) break;
    }
  }
  for (const auto& [name, seen] : seen_) {
    ++standing.sets[seen.state];
    standing.kept_nets += seen.kept;
    standing.partial = standing.partial || seen.state == kConflict || seen.state == kRefused;
  }
  if (!standing.error.empty()) return standing;
  counts_.last_success = parts_.clock.now();
  if (!last_error_.empty()) log::info("sets are followed again");
  last_error_.clear();
  return standing;
}

Result<void> Rounds::follow(const Wanted& wanted, const Trust& trust, Standing& standing) {
  Seen& seen = seen_[wanted.name];
  const TimePoint now = parts_.clock.now();
  const bool quiet = (seen.state == kCurrent || seen.state == kAbsent) && seen.kept == 0;
  if (quiet && seen.wanted == wanted && now - seen.looked_at < kLookAgain) return {};
  auto looked = look(wanted, trust, seen, standing);
  if (!looked) {
    seen.looked_at = TimePoint();
    return looked;
  }
  seen.wanted = wanted;
  seen.looked_at = now;
  return {};
}

Result<void> Rounds::look(const Wanted& wanted, const Trust& trust, Seen& seen,
                          Standing& standing) {
  for (int tries = 0; tries < kTries; ++tries) {
    auto current = parts_.cluster.read(wanted.name);
    if (!current) return fail(std::move(current).error());
    if (!*current) {
      auto created = create(wanted, seen, standing);
      if (!created) return fail(std::move(created).error());
      if (!*created) return {};
      *current = **std::move(created);
    }
    Plan plan = apply::plan(wanted, {&**current, seen.absences}, settings_.rules, trust,
                            parts_.clock.now());
    seen.absences = std::move(plan.absences);
    seen.kept = plan.kept;
    seen.state = plan.refusals.empty() ? kCurrent : kRefused;
    if (!plan.changes()) {
      ++counts_.unchanged;
      say(wanted.name, plan.refusals, seen.said);
      return {};
    }
    auto applied = parts_.cluster.apply(wanted.name, **current, plan.nets);
    if (!applied) return fail(std::move(applied).error());
    if (take(wanted, plan, *applied, seen, standing)) return {};
  }
  return fail(wanted.name + ": changes while it is written; next round again");
}

// nullopt: there is none, and none was made.
Result<std::optional<Current>> Rounds::create(const Wanted& wanted, Seen& seen,
                                              Standing& standing) {
  seen.absences.clear();
  seen.kept = 0;
  seen.state = kAbsent;
  Plan plan;
  if (settings_.create && wanted.usable) {
    plan = apply::plan(wanted, {}, settings_.rules, {}, parts_.clock.now());
    say(wanted.name, plan.refusals, seen.said);
    if (!plan.refusals.empty()) seen.state = kRefused;
  }
  if (plan.nets.empty()) {
    const bool news = seen.state == kAbsent && wanted.usable && seen.said.insert(kAbsent).second;
    if (news) {
      log::info("a set is not in the cluster, and not made",
                {{"set", log::external(wanted.name)}, {"namespace", wanted.namespace_name}});
    }
    return std::optional<Current>();
  }
  auto created = parts_.cluster.create(wanted);
  if (!created) return fail(std::move(created).error());
  ++counts_.created;
  log::info(settings_.dry_run ? "a set would be made" : "made a set",
            {{"set", log::external(wanted.name)}, {"namespace", wanted.namespace_name}});
  if (!settings_.dry_run) return std::optional<Current>(*std::move(created));
  ++standing.applied;
  if (parts_.told)
    parts_.told("would create " + wanted.name + ", and " + line_of(wanted.name, plan, true));
  return std::optional<Current>();
}

// False: it must be read again.
bool Rounds::take(const Wanted& wanted, const Plan& plan, const Applied& applied, Seen& seen,
                  Standing& standing) {
  std::vector<Refusal> refusals = plan.refusals;
  switch (applied.outcome) {
    case Applied::Outcome::Raced:
    case Applied::Outcome::Gone:
      return false;
    case Applied::Outcome::Conflict:
      if (seen.said.count(kConflict) == 0) ++counts_.conflicts;
      refusals.push_back({kConflict, applied.message});
      seen.state = kConflict;
      break;
    case Applied::Outcome::Done:
      ++counts_.applied;
      ++standing.applied;
      if (parts_.told) parts_.told(line_of(wanted.name, plan, settings_.dry_run));
      log::info(settings_.dry_run ? "would apply a set" : "applied a set",
                {{"set", log::external(wanted.name)},
                 {"added", std::to_string(plan.added)},
                 {"removed", std::to_string(plan.removed)},
                 {"kept", std::to_string(plan.kept)}});
      break;
  }
  say(wanted.name, refusals, seen.said);
  return true;
}

void Rounds::say(const std::string& name, const std::vector<Refusal>& refusals,
                 std::set<std::string>& said) {
  std::set<std::string> now;
  for (const Refusal& refusal : refusals) {
    const std::string key = name.empty() ? refusal.reason + " " + refusal.what : refusal.reason;
    if (!now.insert(key).second || said.count(key) > 0) continue;
    ++counts_.refused[refusal.reason];
    log::warn("not applied", {{"set", log::external(name)},
                              {"reason", refusal.reason},
                              {"what", log::external(refusal.what)}});
  }
  said = std::move(now);
}

// Once for as long as it is the same.
void Rounds::tell_error(const std::string& what, Standing& standing) {
  standing.error = what;
  if (what == last_error_) return;
  last_error_ = what;
  log::warn("sets are not followed now", {{"error", what}});
}

}  // namespace outflow::apply
