#include "aggregator/api/question.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "aggregator/api/convert.h"
#include "aggregator/api/coverage.h"
#include "aggregator/feeds/classify.h"
#include "common/text.h"

namespace outflow::api {
namespace {

grpc::Status internal(const Error& error) {
  return {grpc::StatusCode::INTERNAL, error.what};
}

}  // namespace

std::vector<std::string> select_namespaces(const Selection& selection,
                                           const inventory::Snapshot& snapshot,
                                           const inventory::LabelSelector& selector) {
  std::set<std::string> chosen;
  for (const auto& name : selection.named) chosen.insert(name == kUnattributed ? "" : name);
  if (!chosen.empty()) return {chosen.begin(), chosen.end()};
  const auto is_system = [&selection](const std::string& name) {
    return synthesis::is_system_namespace(name, selection.own_namespace);
  };
  for (const auto& known : snapshot.model().namespaces) {
    if (!is_system(known.name) && selector.matches(known.labels)) chosen.insert(known.name);
  }
  for (const auto& name : selection.with_data) {
    const bool gone = !name.empty() && snapshot.namespace_named(name) == nullptr;
    // Its labels went with it: no selector can be said to choose it.
    const bool may_be_chosen = name.empty() || (gone && selector.matches_everything());
    if (may_be_chosen && !is_system(name)) chosen.insert(name);
  }
  return {chosen.begin(), chosen.end()};
}

Interval window_of(nanoseconds back, std::optional<Day> first_kept, TimePoint now) {
  const Day today = day_of(now);
  const Day kept = std::min(first_kept.value_or(today), today);
  const Day from = back.count() == 0 ? kept : std::max(kept, day_of(now - back));
  return {TimePoint(from), now};
}

Question::Question(const Backend& backend, inventory::View view)
    : store_(&backend.store),
      may_see_(backend.may_see),
      view_(std::move(view)),
      ranges_(backend.ranges ? backend.ranges() : std::make_shared<const feeds::RangeTable>()) {}

Answered<Question> Question::ask(const Backend& backend, const v1::Scope& scope) {
  if (scope.window_ns() < 0) {
    return tl::unexpected<grpc::Status>(
        grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "scope.window_ns: must not be negative"));
  }
  Question question(backend, backend.inventory.view());
  if (auto status = question.read(backend, scope); !status.ok()) {
    return tl::unexpected<grpc::Status>(std::move(status));
  }
  return question;
}

grpc::Status Question::read(const Backend& backend, const v1::Scope& scope) {
  const auto first_kept = store_->first_day();
  has_data_ = first_kept.has_value();
  window_ = window_of(nanoseconds(scope.window_ns()), first_kept, backend.clock.now());
  const Day from = day_of(window_.start);
  const Day to = day_of(window_.end);
  auto with_data = store_->namespaces(from, to);
  if (!with_data) return internal(with_data.error());
  // All that are kept: what came before the window tells a gap from a beginning.
  auto node_days = store_->node_days(std::min(from, first_kept.value_or(from)), to);
  if (!node_days) return internal(node_days.error());
  auto presences = store_->presences(from, to);
  if (!presences) return internal(presences.error());
  auto marks = store_->marks();
  if (!marks) return internal(marks.error());
  with_data_ = *std::move(with_data);
  marks_ = *std::move(marks);
  node_days_ = *std::move(node_days);
  watches_ = watch_nodes({node_days_, marks_, window_}, snapshot());
  for (auto& presence : *presences) {
    presences_[presence.namespace_name].push_back(std::move(presence));
  }
  const std::vector<std::string> named(scope.namespaces().begin(), scope.namespaces().end());
  named_ = !named.empty();
  namespaces_ =
      select_namespaces({named, with_data_, backend.own_namespace}, snapshot(), backend.select);
  return backend.may_see ? cut(backend.may_see) : grpc::Status::OK;
}

grpc::Status Question::cut(const access::MaySee& may_see) {
  std::vector<std::string> seen;
  for (const auto& name : namespaces_) {
    const auto allowed = may_see(name);
    if (!allowed) return allowed.error();
    if (*allowed) {
      seen.push_back(name);
    } else if (named_) {
      return {grpc::StatusCode::PERMISSION_DENIED,
              fmt::format("you may not see namespace {}: get on namespaces {} is not granted",
                          namespace_text(name), namespace_text(name))};
    } else {
      ++hidden_;
    }
  }
  namespaces_ = std::move(seen);
  return grpc::Status::OK;
}

std::span<const store::Presence> Question::presences(const std::string& namespace_name) const {
  const auto found = presences_.find(namespace_name);
  if (found == presences_.end()) return {};
  return found->second;
}

std::vector<std::string> Question::judged() const {
  std::vector<std::string> names = namespaces_;
  names.erase(std::remove(names.begin(), names.end(), ""), names.end());
  return names;
}

std::vector<std::string> Question::judged_with_data() const {
  std::vector<std::string> names = judged();
  if (named_) return names;
  names.erase(std::remove_if(names.begin(), names.end(),
                             [this](const std::string& name) {
                               return !std::binary_search(with_data_.begin(), with_data_.end(),
                                                          name);
                             }),
              names.end());
  return names;
}

std::vector<std::string> Question::unknown() const {
  std::vector<std::string> names = judged();
  names.erase(std::remove_if(names.begin(), names.end(),
                             [this](const std::string& name) {
                               return snapshot().namespace_named(name) != nullptr ||
                                      std::binary_search(with_data_.begin(), with_data_.end(),
                                                         name);
                             }),
              names.end());
  return names;
}

v1::Context Question::context() const {
  v1::Context context;
  if (has_data_) context.set_from(to_text(window_.start));
  context.set_to(to_text(window_.end));
  context.set_days_wanted(analysis::Horizon().wanted_days);
  std::map<std::string, std::uint64_t> losses;
  std::map<std::string, std::uint64_t> name_losses;
  for (const auto& day : node_days_) {
    if (day.day < day_of(window_.start)) continue;
    day.add_name_losses(name_losses);
    for (const auto& [reason, count] : day.losses) losses[reason] += count;
  }
  put_counts(losses, *context.mutable_losses());
  put_counts(name_losses, *context.mutable_name_losses());
  for (const auto& [name, watch] : watches_) {
    context.set_nodes(context.nodes() + (watch.in_inventory ? 1 : 0));
    context.set_nodes_reporting(context.nodes_reporting() + (watch.reported ? 1 : 0));
    if (!watch.trouble.empty()) context.add_incomplete_nodes(name);
    if (!watch.reported) context.add_missing_nodes(name);
  }
  for (const auto& name : unknown()) context.add_unknown_namespaces(name);
  context.set_inventory_as_of(time_text(view_.as_of));
  context.set_inventory_error(view_.error);
  context.set_inventory_stale(view_.stale);
  context.set_hidden_namespaces(hidden_);
  return context;
}

analysis::Horizon Question::horizon(const std::string& namespace_name) const {
  // Only the nodes it ran on matter: a namespace is on few of many.
  const auto present = presences(namespace_name);
  std::set<std::string> nodes;
  for (const auto& presence : present) nodes.insert(presence.node);
  for (const auto& pod : snapshot().pods_of(namespace_name)) nodes.insert(pod->node);
  std::vector<store::NodeDay> days;
  for (const auto& day : node_days_) {
    if (nodes.count(day.node) > 0) days.push_back(day);
  }
  return analysis::horizon_of(namespace_name, {days, present}, snapshot(), window_);
}

grpc::Status Question::scan(const std::string& namespace_name,
                            const store::Store::Visit& visit) const {
  const auto classed = [&](store::History& history) {
    feeds::classify(history.peer, history.stats.last_seen, *ranges_);
    return visit(history);
  };
  const auto done =
      store_->scan(namespace_name, day_of(window_.start), day_of(window_.end), classed);
  return done ? grpc::Status::OK : internal(done.error());
}

grpc::Status Question::scan_names(const store::Store::VisitName& visit) const {
  std::map<std::string, bool> seen;
  const auto allowed = [&](const std::string& name) {
    const auto [entry, is_new] = seen.try_emplace(name, true);
    if (is_new && may_see_) entry->second = may_see_(name).value_or(false);
    return entry->second;
  };
  const auto done = store_->scan_names(std::nullopt, day_of(window_.start), day_of(window_.end),
                                       [&](const store::NameRecord& record) {
                                         return !allowed(record.namespace_name) || visit(record);
                                       });
  return done ? grpc::Status::OK : internal(done.error());
}

Answered<analysis::Finding> Question::finding(const std::string& namespace_name,
                                              const analysis::GeneraliseOptions& options) const {
  analysis::Analysis analysis(namespace_name);
  auto status = scan(namespace_name, [&analysis](const store::History& history) {
    analysis.add(history);
    return true;
  });
  if (!status.ok()) return tl::unexpected<grpc::Status>(std::move(status));
  analysis::Finding finding = std::move(analysis).finish(horizon(namespace_name), options);
  if (finding.records == 0) {
    const Coverage coverage =
        coverage_of(input_of(namespace_name, presences(namespace_name)), snapshot(), watches_);
    finding.unseen = analysis::Unseen{fmt::format("{}: {}", coverage.status, coverage.reason),
                                      coverage.status == "idle" || coverage.status == "agent-gap"};
  }
  return finding;
}

Answered<std::vector<analysis::NameSet>> Question::name_sets(
    const analysis::Finding& finding) const {
  std::vector<store::NameRecord> rows;
  const Day today = day_of(now());
  const auto read = store_->scan_names(finding.namespace_name, today - analysis::kNameSetDays,
                                       today, [&rows](const store::NameRecord& row) {
                                         rows.push_back(row);
                                         return true;
                                       });
  if (!read) return tl::unexpected<grpc::Status>(internal(read.error()));
  return analysis::name_sets_of(finding, rows, now());
}

Answered<std::vector<analysis::Finding>> Question::findings(
    const std::vector<std::string>& namespaces) const {
  std::vector<analysis::Finding> found;
  for (const auto& name : namespaces) {
    auto one = finding(name);
    if (!one) return tl::unexpected<grpc::Status>(std::move(one).error());
    found.push_back(*std::move(one));
  }
  return found;
}

}  // namespace outflow::api
