#include "aggregator/cli/program.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace outflow::cli {

Outcome<Client> Session::connect() const {
  Server server = settings.server;
  if (through_cluster(settings.server_given, settings.kube)) {
    const bool want_ca = server.tls.authorities.empty();
    auto reach = reach_cluster(settings.kube, want_ca, server.timeout);
    if (!reach) return tl::unexpected<Failure>(reach.error());
    server.endpoint = reach->server;
    if (want_ca) server.tls.authorities_text = reach->ca_pem;
    if (server.tls_server_name.empty()) server.tls_server_name = reach->server_name;
    server.reach = std::move(*reach);
  }
  return Client::open(server);
}

std::unique_ptr<AnswerWriter> writer_for(const Session& session, std::string kind) {
  const std::string& output = session.settings.output;
  if (output == "json") return make_json_writer(session.terminal.out, std::move(kind));
  if (output == "yaml") return make_yaml_writer(session.terminal.out, std::move(kind));
  if (output == "csv") return make_csv_writer(session.terminal.out, session.look.headers);
  return nullptr;
}

std::vector<std::string> without_agent(const v1::Context& context) {
  std::vector<std::string> texts;
  // Then nobody knows which nodes and namespaces there are.
  if (context.inventory_as_of().empty()) texts.emplace_back("no inventory was read");
  for (const auto& node : context.missing_nodes()) texts.push_back(node + " has no agent");
  return texts;
}

void hint_of_names(const Session& session, const v1::Context& context) {
  if (context.name_losses().empty()) return;
  std::vector<std::string> losses;
  for (const auto& loss : context.name_losses()) {
    losses.push_back(fmt::format("{} {}", loss.reason(), loss.count()));
  }
  session.hint(fmt::format(
      "Names may be missing, flows are not: {} in the window; `outflow doctor` says where.",
      fmt::join(losses, ", ")));
}

int end_of(const Session& session, const v1::Context& context, int code) {
  for (const auto& name : context.unknown_namespaces()) {
    session.hint("neither the inventory nor the evidence knows a namespace " + name);
  }
  const auto missing = without_agent(context);
  if (missing.empty()) return code;
  session.hint(fmt::format("The answer is partial{}: {}.", code == kExitOk ? " (exit 5)" : "",
                           fmt::join(missing, "; ")));
  return code == kExitOk ? kExitPartial : code;
}

void print_view(const Session& session, View view, const v1::Context& context) {
  std::ostream& out = session.terminal.out;
  const bool around = session.look.headers;
  if (around) {
    for (const auto& line : view.above) out << printable(line) << "\n";
    if (!view.above.empty()) out << "\n";
  }
  if (view.table.columns() > 0) {
    if (view.table.rows() == 0) session.hint("No rows.");
    out << view.table.take(session.look);
  }
  if (!around) return;
  out << "\n";
  for (const auto& line : view.below) out << printable(line) << "\n";
  for (const auto& line : footer(context)) out << printable(line) << "\n";
}

}  // namespace outflow::cli
