#include "aggregator/cli/commands.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "aggregator/cli/program.h"
#include "common/text.h"

namespace outflow::cli {
namespace {

constexpr const char* kTimeoutDefault = "60s";
constexpr const char* kFooter =
    "The aggregator is found at --server; else, when --context, --kubeconfig or a kubeconfig "
    "where\n"
    "  kubectl looks names a cluster, by `kubectl port-forward` there; else at 127.0.0.1:7443.\n"
    "Exit codes: 0 ok; 1 `new --fail-on-new` found something; 2 usage or runtime error;\n"
    "  3 `doctor`: a check failed;\n"
    "  4 not enough evidence (`export`, `policy`: refused namespaces); 5 partial: printed, but a\n"
    "  node of the inventory has no agent (`coverage`: or losses or gaps), or no inventory was\n"
    "  read, stderr says which;\n"
    "  124 no answer in time; 130 interrupted. 4, 3 and 1 stand before 5.\n"
    "Every command has --help with examples.";

void add_tls_settings(CLI::App& root, Server& server) {
  root.add_option("--tls-ca", server.tls.authorities,
                  "PEM file of those who sign the aggregator's certificate: speak TLS")
      ->envname("OUTFLOW_TLS_CA");
  root.add_option("--tls-cert", server.tls.certificate, "PEM file of your certificate")
      ->envname("OUTFLOW_TLS_CERT");
  root.add_option("--tls-key", server.tls.key, "PEM file of its private key")
      ->envname("OUTFLOW_TLS_KEY");
  root.add_option("--tls-server-name", server.tls_server_name,
                  "The name in the aggregator's certificate, when it is not the one dialled")
      ->envname("OUTFLOW_TLS_SERVER_NAME");
  root.add_option("--token-file", server.token_file,
                  "File of a token for the aggregator's audience, instead of a certificate")
      ->envname("OUTFLOW_TOKEN_FILE");
}

void add_kube_settings(CLI::App& root, KubeSettings& kube) {
  root.add_option("--context", kube.context, "Reach the aggregator in this kubeconfig context")
      ->envname("OUTFLOW_CONTEXT");
  root.add_option("--kubeconfig", kube.kubeconfig, "The kubeconfig file to reach it by")
      ->envname("OUTFLOW_KUBECONFIG");
  root.add_option("--service-account", kube.service_account,
                  "NAMESPACE/NAME: show a token of this service account, asked for by kubectl")
      ->envname("OUTFLOW_SERVICE_ACCOUNT");
  root.add_option("--own-namespace", kube.own_namespace, "The namespace Outflow runs in")
      ->envname("OUTFLOW_OWN_NAMESPACE")
      ->capture_default_str();
}

void add_settings(CLI::App& root, Settings& settings) {
  add_tls_settings(root, settings.server);
  root.add_option("--server", settings.server.endpoint, "The aggregator: HOST:PORT or unix:PATH")
      ->envname("OUTFLOW_SERVER")
      ->capture_default_str();
  root.add_flag("--insecure", settings.server.insecure,
                "Allow plaintext to an address that is not loopback")
      ->envname("OUTFLOW_INSECURE");
  root.add_option("--request-timeout", settings.timeout,
                  "Longest wait for an answer; 0s for none (default 60s; flows, export, import and "
                  "backup: none)")
      ->envname("OUTFLOW_REQUEST_TIMEOUT");
  add_kube_settings(root, settings.kube);
  root.add_option("-n,--namespace", settings.namespaces, "Only this namespace; may be repeated")
      ->allow_extra_args(false)
      ->delimiter(',');
  root.add_flag("-A,--all-namespaces", settings.all, "Every selected namespace (the default)");
  root.add_option("--window", settings.window,
                  "How far back from now, in whole UTC days: 24h, 7d (default: all that is kept)");
  root.add_option("-o,--output", settings.output, "How to print")
      ->check(CLI::IsMember({"table", "wide", "json", "yaml", "csv"}))
      ->capture_default_str();
  root.add_flag("--no-headers", settings.no_headers, "Rows only: no titles, no lines around them");
  root.add_option("--color", settings.color, "Colour; NO_COLOR in the environment turns auto off")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

bool wants_color(const Settings& settings, bool colorful) {
  if (settings.color != "auto") return settings.color == "always";
  // Read once, before any thread is made.
  const char* const no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  return colorful && (no_color == nullptr || *no_color == '\0');
}

// What CLI11 cannot check by itself.
Outcome<Session> session_of(const Command& command, Settings& settings, const Terminal& terminal) {
  const std::string name = command.app->get_name();
  const auto given = [&](const char* flag) { return command.app->get_parent()->count(flag) > 0; };
  if (!command.scoped) {
    for (const char* flag : {"--namespace", "--all-namespaces", "--window"}) {
      const CLI::App* root = command.app;
      while (root->get_parent() != nullptr) root = root->get_parent();
      if (root->count(flag) > 0) return give_up(fmt::format("{} takes no {}", name, flag));
    }
  }
  if (command.scoped && given("--all-namespaces") && given("--namespace")) {
    return give_up("-n and -A exclude each other");
  }
  Session session{settings, terminal, {}, {}};
  session.look = {settings.output == "wide", !settings.no_headers,
                  wants_color(settings, terminal.colorful)};
  for (const auto& one : settings.namespaces) {
    if (one.empty()) return give_up("--namespace: a name is empty");
    session.scope.add_namespaces(one);
  }
  if (!settings.window.empty()) {
    const auto window = duration_flag("--window", settings.window);
    if (!window) return tl::unexpected<Failure>(window.error());
    if (window->count() == 0) return give_up("--window: must be longer than nothing");
    session.scope.set_window_ns(window->count());
  }
  if (settings.timeout.empty() && command.patient) return session;
  const auto timeout = duration_flag("--request-timeout",
                                     settings.timeout.empty() ? kTimeoutDefault : settings.timeout);
  if (!timeout) return tl::unexpected<Failure>(timeout.error());
  settings.server.timeout = *timeout;
  return session;
}

int report(const Failure& failure, const Terminal& terminal) {
  terminal.err << "outflow: " << printable(failure.message) << "\n";
  return failure.code;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* sub : app.get_subcommands({})) names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> flag_names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    for (const auto* option : level->get_options({})) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

// The message for a word nobody took.
std::string unknown_word(const CLI::App& deepest, const std::string& word) {
  const bool is_flag = word.starts_with("-");
  const bool wants_command = !is_flag && !command_names(deepest).empty();
  const std::string near = nearest(word.substr(0, word.find('=')),
                                   is_flag ? flag_names_of(deepest) : command_names(deepest));
  std::string text = fmt::format("{} '{}'",
                                 is_flag         ? "unknown flag"
                                 : wants_command ? "unknown command"
                                                 : "unexpected argument",
                                 word);
  if (!near.empty()) text += fmt::format("; did you mean '{}'?", near);
  return text + " (see `outflow --help`)";
}

int execute(Program& program, const Terminal& terminal) {
  const CLI::App* deepest = &program.root;
  while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
  const auto rest = program.root.remaining(true);
  if (!rest.empty()) return report({kExitError, unknown_word(*deepest, rest.front())}, terminal);
  const auto command = std::find_if(program.commands.begin(), program.commands.end(),
                                    [&](const Command& known) { return known.app == deepest; });
  if (command == program.commands.end()) {
    terminal.err << deepest->help();
    return kExitError;
  }
  program.settings.server_given = program.root.get_option("--server")->count() > 0;
  const KubeSettings& kube = program.settings.kube;
  if (program.settings.server_given && !(kube.context.empty() && kube.kubeconfig.empty())) {
    return report({kExitError, "--server excludes --context and --kubeconfig"}, terminal);
  }
  auto session = session_of(*command, program.settings, terminal);
  if (!session) return report(session.error(), terminal);
  const auto code = command->run(*session);
  terminal.out.flush();
  if (!code) return report(code.error(), terminal);
  if (!terminal.out) return report({kExitError, "the output could not be written"}, terminal);
  return *code;
}

}  // namespace

Outcome<nanoseconds> duration_flag(const std::string& flag, const std::string& text) {
  const auto duration = parse_duration(text);
  if (!duration) return give_up(flag + ": " + duration.error().what);
  return *duration;
}

Outcome<std::int64_t> time_flag(const std::string& flag, const std::string& text) {
  if (text.empty()) return 0;
  const auto time = parse_time(text);
  if (!time) return give_up(flag + ": " + time.error().what);
  return unix_ns(*time);
}

CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& what,
                      const std::vector<std::string>& examples) {
  CLI::App* const app = parent.add_subcommand(name, what);
  app->fallthrough();
  app->allow_extras();
  std::string footer = "Examples:\n";
  for (const auto& example : examples) footer += "  " + example + "\n";
  app->footer(footer + "Flags of all commands (-n, -o, --window, --server ...): outflow --help");
  return *app;
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  const auto distance = [&word](const std::string& other) {
    std::vector<std::size_t> row(other.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t above = row[j];
        const std::size_t changed = diagonal + (word[i - 1] == other[j - 1] ? 0 : 1);
        row[j] = std::min({changed, above + 1, row[j - 1] + 1});
        diagonal = above;
      }
    }
    return row.back();
  };
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& one : known) {
    if (const std::size_t d = distance(one); d < best_distance) {
      best_distance = d;
      best = one;
    }
  }
  return best;
}

int run(const std::vector<std::string>& arguments, const Terminal& terminal) {
  CLI::App root{"Egress of every pod: seen, attributed, judged and turned into policy", "outflow"};
  Settings settings;
  Program program{root, settings, {}};
  root.set_version_flag("--version", "outflow " OUTFLOW_VERSION);
  root.require_subcommand(0, 1);
  root.allow_extras();
  root.footer(kFooter);
  add_settings(root, settings);
  add_list_commands(program);
  add_detail_commands(program);
  add_file_commands(program);
  add_sets_command(program);
  add_care_commands(program);
  add_completion_command(program);
  // CLI11 takes the words from the back.
  std::vector<std::string> words(arguments.rbegin(), arguments.rend());
  try {
    root.parse(words);
  } catch (const CLI::ParseError& error) {
    // --help and --version are errors to CLI11, with an exit code of 0.
    const bool asked = error.get_exit_code() == 0;
    if (!asked) return report({kExitError, error.what()}, terminal);
    static_cast<void>(root.exit(error, terminal.out, terminal.err));
    terminal.out.flush();
    return kExitOk;
  }
  return execute(program, terminal);
}

}  // namespace outflow::cli
