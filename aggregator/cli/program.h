// What the commands share: settings, the session they run in, and how an answer is printed.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/cli/client.h"
#include "aggregator/cli/commands.h"
#include "aggregator/cli/views.h"
#include "aggregator/cli/writer.h"

namespace CLI {
class App;
}

namespace outflow::cli {

// As read from flags and environment, already checked where CLI11 can.
struct Settings {
  Server server;
  bool server_given = false;  // --server or OUTFLOW_SERVER
  KubeSettings kube;
  std::string timeout;  // "" = the command's own
  std::vector<std::string> namespaces;
  bool all = false;
  std::string window;
  std::string output = "table";
  bool no_headers = false;
  std::string color = "auto";
};

// One command being run.
struct Session {
  const Settings& settings;
  const Terminal& terminal;
  Look look;
  v1::Scope scope;

  // Directly, or through the cluster (reach.h); then the client holds the way open.
  [[nodiscard]] Outcome<Client> connect() const;
  void hint(const std::string& text) const { terminal.err << printable(text) << "\n"; }
};

using Run = std::function<Outcome<int>(Session&)>;

struct Command {
  CLI::App* app = nullptr;
  bool scoped = false;   // takes -n, -A, --window
  bool patient = false;  // waits without limit unless --request-timeout is given
  Run run;
};

struct Program {
  CLI::App& root;
  Settings& settings;
  std::vector<Command> commands;
};

// Null in table and wide mode.
[[nodiscard]] std::unique_ptr<AnswerWriter> writer_for(const Session& session, std::string kind);
void print_view(const Session& session, View view, const v1::Context& context);

// An answer in one piece, in the format asked for; `view` is called for tables only.
template <class Answer, class MakeView>
void print_answer(const Session& session, const Answer& answer, std::string kind, MakeView view) {
  if (const auto writer = writer_for(session, std::move(kind))) {
    writer->add(answer);
    writer->finish();
  } else {
    print_view(session, view(answer), answer.context());
  }
}

// "k8s-w3 has no agent" for every such node.
[[nodiscard]] std::vector<std::string> without_agent(const v1::Context& context);
// On stderr, when answers of DNS were lost: what looks like a raw address may have a name.
void hint_of_names(const Session& session, const v1::Context& context);
// Ends a command. Namespaces that nobody knows are named on stderr, and so are nodes the answer
// lacks: kExitPartial, unless `code` is worse news already.
[[nodiscard]] int end_of(const Session& session, const v1::Context& context, int code = kExitOk);

// A flag's duration, its name in the error.
[[nodiscard]] Outcome<nanoseconds> duration_flag(const std::string& flag, const std::string& text);
// A flag's moment as Unix nanoseconds; "" is 0.
[[nodiscard]] Outcome<std::int64_t> time_flag(const std::string& flag, const std::string& text);

// A subcommand of `parent`; the examples stand at the end of its --help.
CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& what,
                      const std::vector<std::string>& examples);

void add_list_commands(Program& program);    // status coverage fanout tiers baseline new plan
void add_detail_commands(Program& program);  // flows explain
void add_file_commands(Program& program);    // policy export import
void add_sets_command(Program& program);
void add_care_commands(Program& program);  // doctor backup
void add_completion_command(Program& program);

// When names are a class, "*.cdn.example.com": policy, export and sets must say the same.
struct Wildcards {
  std::uint32_t names = 4;
  std::uint32_t days = 3;
};
void add_wildcard_options(CLI::App& app, Wildcards& wildcards);

// The known word nearest to a mistyped one; "" when none is near.
[[nodiscard]] std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace outflow::cli
