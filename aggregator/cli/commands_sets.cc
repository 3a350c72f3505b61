// `outflow sets`: the addresses that stand for names, as a table or as manifests.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "aggregator/cli/program.h"

namespace outflow::cli {
namespace {

// Those a policy names; the others would open what no policy asks for.
void print_manifests(const Session& session, const v1::SetsAnswer& answer) {
  int left_out = 0;
  bool first = true;
  for (const auto& set : answer.items()) {
    if (!set.usable()) {
      ++left_out;
      continue;
    }
    if (!std::exchange(first, false)) session.terminal.out << "---\n";
    session.terminal.out << set.content();
  }
  if (left_out == 0) return;
  session.hint(
      fmt::format("{} of {} sets are not printed: no policy can use them "
                  "(`outflow sets -o wide` says why)",
                  left_out, answer.items_size()));
}

Outcome<int> run_sets(Session& session, const Wildcards& wildcards) {
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  v1::SetsRequest request;
  *request.mutable_scope() = session.scope;
  request.set_wildcard_names(wildcards.names);
  request.set_wildcard_days(wildcards.days);
  const auto answer = client->ask(&v1::Query::StubInterface::Sets, request);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  if (session.settings.output == "yaml") {
    print_manifests(session, *answer);
  } else {
    print_answer(session, *answer, "NetworkSetList", [](const auto& it) { return view_of(it); });
  }
  return end_of(session, answer->context());
}

}  // namespace

void add_wildcard_options(CLI::App& app, Wildcards& wildcards) {
  app.add_option("--wildcard-names", wildcards.names,
                 "Names directly below one that make it a class, *.NAME")
      ->check(CLI::Range(2U, 1000U))
      ->capture_default_str();
  app.add_option("--wildcard-days", wildcards.days, "Days on which they were used, together")
      ->check(CLI::Range(1U, 366U))
      ->capture_default_str();
}

void add_sets_command(Program& program) {
  const auto wildcards = std::make_shared<Wildcards>();
  CLI::App& sets =
      add_command(program.root, "sets",
                  "The addresses that stand for names in policies, and how well they are known",
                  {"outflow sets", "outflow sets -n web -o wide",
                   "outflow sets -o yaml | kubectl apply --server-side -f -"});
  add_wildcard_options(sets, *wildcards);
  program.commands.push_back(
      {&sets, true, true, [wildcards](Session& session) { return run_sets(session, *wildcards); }});
}

}  // namespace outflow::cli
