// The commands whose answer is one list: status coverage fanout tiers baseline new plan.
#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "aggregator/cli/program.h"

namespace outflow::cli {
namespace {

using FanoutItem = v1::NamespaceFanout;

struct SortKey {
  std::string_view name;
  std::uint64_t (*value)(const FanoutItem&);  // null: by name
};
constexpr std::array<SortKey, 14> kSortKeys{{
    {"namespace", nullptr},
    {"destinations", [](const FanoutItem& item) { return std::uint64_t{item.destinations()}; }},
    {"pod_namespaces", [](const FanoutItem& item) { return std::uint64_t{item.pod_namespaces()}; }},
    {"services", [](const FanoutItem& item) { return std::uint64_t{item.services()}; }},
    {"external", [](const FanoutItem& item) { return std::uint64_t{item.external()}; }},
    {"names", [](const FanoutItem& item) { return std::uint64_t{item.names()}; }},
    {"cidrs", [](const FanoutItem& item) { return std::uint64_t{item.cidrs()}; }},
    {"raw_addresses", [](const FanoutItem& item) { return std::uint64_t{item.raw_addresses()}; }},
    {"ambiguous", [](const FanoutItem& item) { return std::uint64_t{item.ambiguous()}; }},
    {"name_unknown", [](const FanoutItem& item) { return std::uint64_t{item.name_unknown()}; }},
    {"other", [](const FanoutItem& item) { return std::uint64_t{item.other()}; }},
    {"own", [](const FanoutItem& item) { return std::uint64_t{item.own()}; }},
    {"unanswered", [](const FanoutItem& item) { return std::uint64_t{item.unanswered()}; }},
    {"valid_days",
     [](const FanoutItem& item) { return std::uint64_t{item.horizon().valid_days()}; }},
}};

Outcome<void> sort_fanout(const std::string& by, v1::FanoutAnswer& answer) {
  const bool descending = by.starts_with("-");
  std::string name = by.substr(descending ? 1 : 0);
  std::replace(name.begin(), name.end(), '-', '_');
  const auto* const key = std::find_if(kSortKeys.begin(), kSortKeys.end(),
                                       [&](const SortKey& known) { return known.name == name; });
  if (key == kSortKeys.end()) {
    std::vector<std::string> names;
    for (const auto& known : kSortKeys) names.emplace_back(known.name);
    return give_up(fmt::format("--sort-by: '{}' is none of {} (a '-' in front: the largest first)",
                               by, fmt::join(names, ", ")));
  }
  // The answer comes by namespace, which stays the order of equals.
  std::stable_sort(answer.mutable_items()->begin(), answer.mutable_items()->end(),
                   [&](const FanoutItem& a, const FanoutItem& b) {
                     const FanoutItem& left = descending ? b : a;
                     const FanoutItem& right = descending ? a : b;
                     return key->value == nullptr ? left.namespace_() < right.namespace_()
                                                  : key->value(left) < key->value(right);
                   });
  return {};
}

Outcome<int> run_status(Session& session) {
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  const auto answer = client->ask(&v1::Query::StubInterface::Status, v1::StatusRequest());
  if (!answer) return tl::unexpected<Failure>(answer.error());
  print_answer(session, *answer, "Status", [](const auto& it) { return view_of(it); });
  return kExitOk;
}

// Which nodes make the answer partial; "" when it is whole.
std::string why_partial(const v1::CoverageAnswer& answer) {
  std::vector<std::string> parts = without_agent(answer.context());
  for (const auto& node : answer.context().incomplete_nodes()) {
    parts.push_back(node + " has losses or gaps");
  }
  for (const auto& item : answer.items()) {
    if (item.status().starts_with("agent-")) {
      parts.push_back(fmt::format("namespace {}: {}", item.namespace_(), item.status()));
    }
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

Outcome<int> run_coverage(Session& session) {
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  v1::CoverageRequest request;
  *request.mutable_scope() = session.scope;
  const auto answer = client->ask(&v1::Query::StubInterface::Coverage, request);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  const bool each = session.look.wide || !session.settings.namespaces.empty();
  print_answer(session, *answer, "CoverageList",
               [each](const auto& it) { return view_of(it, each); });
  if (!each && session.settings.output == "table") {
    session.hint("Hint: `outflow coverage -o wide` lists the namespaces.");
  }
  const std::string partial = why_partial(*answer);
  if (partial.empty()) return kExitOk;
  session.hint("The answer is partial (exit 5): " + partial + ".");
  return kExitPartial;
}

struct FanoutOptions {
  std::string sort_by = "-destinations";
  bool raw = false;
};

Outcome<int> run_fanout(Session& session, const FanoutOptions& options) {
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  v1::FanoutRequest request;
  *request.mutable_scope() = session.scope;
  request.set_raw(options.raw);
  auto answer = client->ask(&v1::Query::StubInterface::Fanout, request);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  if (const auto sorted = sort_fanout(options.sort_by, *answer); !sorted) {
    return tl::unexpected<Failure>(sorted.error());
  }
  const bool wide = session.look.wide;
  print_answer(session, *answer, "FanoutList",
               [wide](const auto& it) { return view_of(it, wide); });
  hint_of_names(session, answer->context());
  return end_of(session, answer->context());
}

void add_fanout_command(Program& program) {
  const auto options = std::make_shared<FanoutOptions>();
  CLI::App& fanout = add_command(program.root, "fanout", "How many destinations each namespace has",
                                 {"outflow fanout -A", "outflow fanout --sort-by=-external -o wide",
                                  "outflow fanout --window 7d -o csv",
                                  "outflow fanout --raw   # the same evidence before naming"});
  fanout.add_option("--sort-by", options->sort_by, "A column; a '-' in front: the largest first")
      ->capture_default_str();
  fanout.add_flag("--raw", options->raw, "Count addresses outside: no names, no ranges");
  program.commands.push_back({&fanout, true, false, [options](Session& session) {
                                return run_fanout(session, *options);
                              }});
}

// The rest differ by their request and their name only.
template <class Request, class Answer>
Outcome<Answer> ask_and_print(Session& session,
                              grpc::Status (v1::Query::StubInterface::*method)(grpc::ClientContext*,
                                                                               const Request&,
                                                                               Answer*),
                              Request request, const char* kind) {
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  *request.mutable_scope() = session.scope;
  auto answer = client->ask(method, request);
  if (answer) print_answer(session, *answer, kind, [](const auto& it) { return view_of(it); });
  return answer;
}

template <class Answer>
Outcome<int> code_of(const Session& session, const Outcome<Answer>& answer) {
  if (!answer) return tl::unexpected<Failure>(answer.error());
  return end_of(session, answer->context());
}

struct NewOptions {
  std::string since = "24h";
  bool fail = false;
};

Outcome<int> run_new(Session& session, const NewOptions& options) {
  const auto since = duration_flag("--since", options.since);
  if (!since) return tl::unexpected<Failure>(since.error());
  if (since->count() == 0) return give_up("--since: must be longer than nothing");
  v1::NewRequest request;
  request.set_since_ns(since->count());
  const auto answer = ask_and_print(session, &v1::Query::StubInterface::New, request, "NewList");
  if (!answer) return tl::unexpected<Failure>(answer.error());
  const bool found = std::any_of(answer->items().begin(), answer->items().end(),
                                 [](const auto& row) { return row.change() == "new"; });
  return end_of(session, answer->context(), options.fail && found ? kExitDifferences : kExitOk);
}

void add_preset(CLI::App& app, std::string& preset) {
  app.add_option("--preset", preset, "The rule set of the tiers")
      ->check(CLI::IsMember({"default", "study"}))
      ->capture_default_str();
}

void add_tier_commands(Program& program) {
  const auto preset = std::make_shared<std::string>("default");
  const auto max_per_day = std::make_shared<std::uint32_t>(5);
  CLI::App& tiers = add_command(program.root, "tiers",
                                "How hard a static allowlist would be, A to D; - without evidence",
                                {"outflow tiers -o wide", "outflow tiers --preset study"});
  add_preset(tiers, *preset);
  program.commands.push_back(
      {&tiers, true, false, [preset](Session& session) {
         v1::TiersRequest request;
         request.set_preset(*preset);
         return code_of(session, ask_and_print(session, &v1::Query::StubInterface::Tiers, request,
                                               "TierList"));
       }});
  CLI::App& plan = add_command(program.root, "plan", "In which order to enforce, and what waits",
                               {"outflow plan --max-per-day 3"});
  add_preset(plan, *preset);
  plan.add_option("--max-per-day", *max_per_day, "Namespaces of one wave")
      ->check(CLI::Range(1U, 10'000U))
      ->capture_default_str();
  program.commands.push_back(
      {&plan, true, false, [preset, max_per_day](Session& session) {
         v1::PlanRequest request;
         request.set_preset(*preset);
         request.set_max_per_day(*max_per_day);
         return code_of(session,
                        ask_and_print(session, &v1::Query::StubInterface::Plan, request, "Plan"));
       }});
}

void add_comparing_commands(Program& program) {
  const auto percent = std::make_shared<std::uint32_t>(80);
  CLI::App& baseline =
      add_command(program.root, "baseline", "Destinations that most namespaces share",
                  {"outflow baseline", "outflow baseline --percent 100   # shared by all"});
  baseline.add_option("--percent", *percent, "Least share of the observed namespaces")
      ->check(CLI::Range(1U, 100U))
      ->capture_default_str();
  program.commands.push_back(
      {&baseline, true, false, [percent](Session& session) {
         v1::BaselineRequest request;
         request.set_percent(*percent);
         return code_of(session, ask_and_print(session, &v1::Query::StubInterface::Baseline,
                                               request, "BaselineList"));
       }});
  const auto options = std::make_shared<NewOptions>();
  CLI::App& fresh = add_command(
      program.root, "new", "What was first seen since a moment, and what went away",
      {"outflow new --since 24h", "outflow new --since 7d --fail-on-new   # exit 1 if any"});
  fresh.add_option("--since", options->since, "How long ago")->capture_default_str();
  fresh.add_flag("--fail-on-new", options->fail, "Exit 1 when something new was seen");
  program.commands.push_back(
      {&fresh, true, false, [options](Session& session) { return run_new(session, *options); }});
}

}  // namespace

void add_list_commands(Program& program) {
  CLI::App& status =
      add_command(program.root, "status", "The aggregator and the agents it hears from",
                  {"outflow status", "outflow status -o json"});
  program.commands.push_back({&status, false, false, run_status});
  CLI::App& coverage = add_command(
      program.root, "coverage",
      "What is watched, and why a namespace has no data (exit 5: a node was not watched)",
      {"outflow coverage", "outflow coverage -o wide", "outflow coverage -n web"});
  program.commands.push_back({&coverage, true, false, run_coverage});
  add_fanout_command(program);
  add_tier_commands(program);
  add_comparing_commands(program);
}

}  // namespace outflow::cli
