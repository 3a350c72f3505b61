// The commands that lead to single destinations: flows, explain.
#include <memory>

#include <CLI/CLI.hpp>

#include "aggregator/cli/program.h"

namespace outflow::cli {
namespace {

// Printed part by part: the answer may be larger than memory.
Outcome<int> run_flows(Session& session, std::uint64_t limit) {
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  v1::FlowsRequest request;
  *request.mutable_scope() = session.scope;
  request.set_limit(limit);
  const auto writer = writer_for(session, "FlowList");
  Table table = flows_table();
  v1::Context context;
  std::ostream& out = session.terminal.out;
  bool some = false;
  const auto done = client->flows(request, [&](const v1::FlowsAnswer& part) {
    if (part.has_context()) context = part.context();
    some = some || !part.items().empty();
    if (writer) {
      writer->add(part);
    } else {
      add_rows(part, table);
      if (table.rows() > 0) out << table.take(session.look);
    }
    return static_cast<bool>(out);
  });
  if (!done) return tl::unexpected<Failure>(done.error());
  if (writer) {
    writer->finish();
  } else {
    print_view(session, {{}, some ? Table({}) : flows_table(), {}}, context);
  }
  return end_of(session, context);
}

Outcome<int> run_explain(Session& session, const std::string& destination) {
  const auto client = session.connect();
  if (!client) return tl::unexpected<Failure>(client.error());
  v1::ExplainRequest request;
  *request.mutable_scope() = session.scope;
  request.set_destination(destination);
  const auto answer = client->ask(&v1::Query::StubInterface::Explain, request);
  if (!answer) return tl::unexpected<Failure>(answer.error());
  print_answer(session, *answer, "Explanation", [](const auto& it) { return view_of(it); });
  hint_of_names(session, answer->context());
  return end_of(session, answer->context());
}

}  // namespace

void add_detail_commands(Program& program) {
  const auto limit = std::make_shared<std::uint64_t>(0);
  CLI::App& flows = add_command(
      program.root, "flows", "Every raw tuple of every day, beside what it was taken for",
      {"outflow flows -n web", "outflow flows --window 24h -o json | jq '.items[].destination'"});
  flows.add_option("--limit", *limit, "Stop after so many rows; 0 for all")
      ->check(CLI::Range(0.0, 1e15))  // CLI11 alone reads -1 as the largest number
      ->capture_default_str();
  program.commands.push_back(
      {&flows, true, true, [limit](Session& session) { return run_flows(session, *limit); }});
  const auto destination = std::make_shared<std::string>();
  CLI::App& explain = add_command(
      program.root, "explain", "A destination: what it is, who uses it, what the policy says",
      {"outflow explain 198.51.100.7 -n web", "outflow explain service/kube-system/kube-dns",
       "outflow explain api.example.com   # who was told it, and dialled it",
       "outflow explain dbaas/mysql", "outflow explain pod/dbaas/mysql-0"});
  explain
      .add_option("DESTINATION", *destination,
                  "An address, a DNS name, service/NS/NAME, pod/NS/NAME, namespace/NAME, or a peer "
                  "as `flows` "
                  "shows it")
      ->required();
  program.commands.push_back({&explain, true, false, [destination](Session& session) {
                                return run_explain(session, *destination);
                              }});
}

}  // namespace outflow::cli
