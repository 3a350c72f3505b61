// The commands that make or read files: policy, export, import.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "aggregator/cli/export_folder.h"
#include "aggregator/cli/program.h"
#include "common/result.h"

namespace outflow::cli {
namespace {

struct PolicyOptions {
  double order = 1500;
  bool allow_insufficient = false;
  std::string folder;
  std::string dialect = "calico-oss";
  std::string sets = "live";
  Wildcards wildcards;
};

void add_policy_options(CLI::App& app, PolicyOptions& options) {
  app.add_option("--order", options.order, "spec.order of the policies")->capture_default_str();
  app.add_flag("--allow-insufficient", options.allow_insufficient,
               "Namespaces under the horizon too; their header says so");
  app.add_option("--dialect", options.dialect,
                 "Who reads them: only Calico's paid editions know names (domains)")
      ->check(CLI::IsMember({"calico-oss", "calico-enterprise", "calico-cloud"}))
      ->capture_default_str();
  app.add_option("--sets", options.sets,
                 "Sets of the addresses behind names: live, kept in the cluster, or inline, as now")
      ->check(CLI::IsMember({"live", "inline"}))
      ->capture_default_str();
  add_wildcard_options(app, options.wildcards);
}

Outcome<v1::PolicyAnswer> ask_policy(const Session& session, const PolicyOptions& options) {
  if (!std::isfinite(options.order) || options.order <= 0) {
    return give_up("--order: must be a number above 0");
  }
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  v1::PolicyRequest request;
  *request.mutable_scope() = session.scope;
  request.set_order(options.order);
  request.set_allow_insufficient(options.allow_insufficient);
  request.set_dialect(options.dialect);
  request.set_sets(options.sets);
  request.set_wildcard_names(options.wildcards.names);
  request.set_wildcard_days(options.wildcards.days);
  return client->ask(&v1::Query::StubInterface::Policy, request);
}

// Refused for its few days alone: with traffic seen, which --allow-insufficient would take.
bool could_be_allowed(const v1::RefusedNamespace& refused) {
  const bool enough = refused.horizon().valid_days() >= refused.horizon().wanted_days();
  return refused.flows() > 0 && !enough;
}

// What --allow-insufficient still refuses had no evidence at all: said, and no failure of the
// command.
int tell_refused(const Session& session, const v1::PolicyAnswer& answer,
                 const PolicyOptions& options) {
  for (const auto& one : answer.refused()) {
    session.hint(fmt::format("refused {}: {} valid days: {}", one.namespace_(),
                             horizon_text(one.horizon()), one.reason()));
  }
  if (answer.refused().empty()) return kExitOk;
  const int all = answer.refused_size() + answer.items_size();
  if (options.allow_insufficient && !answer.items().empty()) {
    session.hint(fmt::format("{} of {} namespaces get no policy", answer.refused_size(), all));
    return kExitOk;
  }
  const auto takes = std::count_if(answer.refused().begin(), answer.refused().end(),
                                   [](const auto& one) { return could_be_allowed(one); });
  std::string advice;
  if (!options.allow_insufficient && takes > 0) {
    advice =
        fmt::format("; --allow-insufficient takes {} as they are",
                    takes == answer.refused_size() ? "them" : fmt::format("{} of them", takes));
  }
  session.hint(fmt::format("{} of {} namespaces were refused (exit 4){}", answer.refused_size(),
                           all, advice));
  return kExitInsufficient;
}

Outcome<int> run_policy(Session& session, const PolicyOptions& options) {
  const auto answer = ask_policy(session, options);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  const std::string& output = session.settings.output;
  if (output == "json" || output == "csv") {
    print_answer(session, *answer, "PolicyList", [](const auto&) {
      return View{{}, Table({}), {}};
    });
  } else {
    bool first = true;
    for (const auto& file : answer->items()) {
      if (!std::exchange(first, false) && !file.content().starts_with("---")) {
        session.terminal.out << "---\n";
      }
      session.terminal.out << file.content();
    }
  }
  hint_of_names(session, answer->context());
  return end_of(session, answer->context(), tell_refused(session, *answer, options));
}

View view_of_export(const v1::PolicyAnswer& answer, const ExportResult& result) {
  View view{{},
            Table({{"FILE"},
                   {"NAMESPACE"},
                   {"RULES", Align::Right},
                   {"COMMENTED", Align::Right},
                   {"HORIZON", Align::Right}}),
            {}};
  for (const auto& file : answer.items()) {
    view.table.add({file.path(), file.namespace_(), std::to_string(file.rules()),
                    std::to_string(file.commented()), horizon_text(file.horizon())});
  }
  view.below = {
      fmt::format("{} files written, {} unchanged, {} removed; nothing was applied to a cluster",
                  result.written.size(), result.unchanged.size(), result.removed.size())};
  for (const auto& name : result.removed) view.below.push_back("removed: " + name);
  return view;
}

Outcome<int> run_export(Session& session, const PolicyOptions& options) {
  const auto answer = ask_policy(session, options);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  ExportPlan plan;
  for (const auto& file : answer->items()) plan.files.push_back({file.path(), file.content()});
  // A refused namespace keeps the file it had: too little evidence is no reason to lift a policy.
  for (const auto& one : answer->refused()) plan.keep.push_back(one.path());
  plan.complete = session.settings.namespaces.empty();
  const auto result = write_folder(options.folder, plan);
  if (!result) return tl::unexpected<Failure>(result.error());
  print_answer(session, *answer, "PolicyList",
               [&](const auto& it) { return view_of_export(it, *result); });
  if (result->kustomization_foreign) {
    session.hint(fmt::format("{} is not ours and was left alone: list the files in it yourself",
                             kKustomizationName));
  }
  hint_of_names(session, answer->context());
  return end_of(session, answer->context(), tell_refused(session, *answer, options));
}

void add_policy_commands(Program& program) {
  const auto options = std::make_shared<PolicyOptions>();
  CLI::App& policy =
      add_command(program.root, "policy", "The allowlists as YAML, on stdout",
                  {"outflow policy -n web", "outflow policy -n web --allow-insufficient"});
  add_policy_options(policy, *options);
  program.commands.push_back(
      {&policy, true, true, [options](Session& session) { return run_policy(session, *options); }});
  CLI::App& exporting = add_command(
      program.root, "export", "The allowlists as a folder for git: one file a namespace",
      {"outflow export ./egress", "outflow export ./egress -n web --allow-insufficient"});
  add_policy_options(exporting, *options);
  exporting.add_option("DIR", options->folder, "The folder; made when it is missing")->required();
  program.commands.push_back({&exporting, true, true, [options](Session& session) {
                                return run_export(session, *options);
                              }});
}

struct ImportOptions {
  std::string file;
  std::string at;
  std::string boot_time;
  std::uint32_t year = 0;
  std::string node;
};

Outcome<int> run_import(Session& session, const ImportOptions& options) {
  const auto at = time_flag("--at", options.at);
  if (!at) return tl::unexpected<Failure>(at.error());
  const auto boot_time = time_flag("--boot-time", options.boot_time);
  if (!boot_time) return tl::unexpected<Failure>(boot_time.error());
  v1::CalicoLogOptions request;
  request.set_at_ns(*at);
  request.set_boot_time_ns(*boot_time);
  request.set_year(options.year);
  request.set_node(options.node);
  std::ifstream opened;
  if (options.file != "-") {
    opened.open(options.file, std::ios::binary);
    if (!opened)
      return give_up(fmt::format("{}: cannot be read: {}", options.file, errno_text(errno)));
  }
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  std::istream& file = options.file == "-" ? session.terminal.in : opened;
  const auto answer = client->import_calico_log(request, file);
  if (!answer) {
    return give_up(fmt::format("{}: {}", options.file, answer.error().message),
                   answer.error().code);
  }
  print_answer(session, *answer, "Import", [](const auto& it) { return view_of(it); });
  return kExitOk;
}

void add_import_command(Program& program) {
  const auto options = std::make_shared<ImportOptions>();
  CLI::App& import = add_command(program.root, "import", "Evidence somebody else already collected",
                                 {"outflow import calico-log loki.json"});
  CLI::App& log = add_command(
      import, "calico-log",
      "Lines of Calico's Log action: kernel log, syslog, journal, Loki, trace pipe",
      {"outflow import calico-log messages --year 2026",
       "dmesg | outflow import calico-log - --boot-time 2026-05-18T06:00:00Z --node k8s-w1",
       "outflow import calico-log lines.txt --at 2026-05-18T18:42:44Z"});
  log.add_option("FILE", options->file, "The file, or - for standard input")->required();
  log.add_option("--at", options->at, "When lines without any time were logged (RFC 3339)");
  log.add_option("--boot-time", options->boot_time, "When the node booted, for [seconds.micros]");
  log.add_option("--year", options->year, "The year, for times such as 'May 18 18:42:44'")
      ->check(CLI::Range(1970U, 2200U));
  log.add_option("--node", options->node, "The node, for lines without a host name");
  program.commands.push_back(
      {&log, false, true, [options](Session& session) { return run_import(session, *options); }});
}

}  // namespace

void add_file_commands(Program& program) {
  add_policy_commands(program);
  add_import_command(program);
}

}  // namespace outflow::cli
