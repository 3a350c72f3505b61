#include "aggregator/config_write_sets.h"

#include <CLI/CLI.hpp>

#include "aggregator/config.h"
#include "common/text.h"

namespace outflow {
namespace {

// Beside an aggregator on one machine.
constexpr const char* kHttpListen = "127.0.0.1:9445";
constexpr auto kIntervalMin = std::chrono::seconds(1);
constexpr auto kIntervalMax = std::chrono::hours(1);
// One object of etcd is 1.5 MiB at most; so many IPv6 nets are 1 MiB.
constexpr std::size_t kNetsMost = 25'000;

std::string check_interval(const std::string& text) {
  const auto interval = parse_duration(text);
  if (!interval) return interval.error().what;
  const bool fits = *interval >= kIntervalMin && *interval <= kIntervalMax;
  return fits ? "" : "'" + text + "' is not between 1s and 1h";
}

std::string check_duration(const std::string& text) {
  const auto duration = parse_duration(text);
  return duration ? "" : duration.error().what;
}

std::string check_window(const std::string& text) {
  const auto window = parse_duration(text);
  if (!window) return window.error().what;
  return window->count() > 0 ? "" : "must be longer than nothing";
}

std::string check_prefix(const std::string& text) {
  const auto prefix = net::Prefix::parse(text);
  if (!prefix) return prefix.error().what;
  return prefix->length() > 0 ? "" : "'" + text + "' is everything";
}

std::string check_namespace(const std::string& text) {
  return apply::is_name(text) ? "" : "'" + text + "' is no name of a namespace";
}

void add_ways(CLI::App& app, AggregatorConfig& config) {
  WriteSetsConfig& sets = config.write_sets;
  app.add_option("--server", sets.dial.endpoint, "HOST:PORT or unix:PATH of the aggregator")
      ->envname("OUTFLOW_SERVER")
      ->capture_default_str();
  app.add_option("--tls-ca", config.tls.authorities,
                 "PEM file of those who sign the aggregator's certificate; with it TLS is spoken")
      ->envname("OUTFLOW_TLS_CA");
  app.add_option("--tls-cert", config.tls.certificate, "PEM file of our certificate chain")
      ->envname("OUTFLOW_TLS_CERT");
  app.add_option("--tls-key", config.tls.key, "PEM file of its private key")
      ->envname("OUTFLOW_TLS_KEY");
  app.add_option("--tls-server-name", sets.dial.tls_server_name,
                 "the name in the aggregator's certificate; that of --server when not given")
      ->envname("OUTFLOW_TLS_SERVER_NAME");
  app.add_option("--token-file", sets.token_file,
                 "a token that is shown to the aggregator, read again for every question")
      ->envname("OUTFLOW_TOKEN_FILE");
}

// Which classes of names there are depends on these, and so do the names of sets: they are to be
// those of the export.
void add_classes(CLI::App& app, WriteSetsConfig& sets) {
  app.add_option_function<std::string>(
         "--window", [&sets](const std::string& text) { sets.window = *parse_duration(text); },
         "as that of `outflow export`: 7d; all that is kept when not given")
      ->envname("OUTFLOW_SETS_WINDOW")
      ->check(check_window);
  app.add_option("--wildcard-names", sets.wildcard_names, "as that of `outflow export`")
      ->envname("OUTFLOW_SETS_WILDCARD_NAMES")
      ->check(CLI::Range(2U, 1000U));
  app.add_option("--wildcard-days", sets.wildcard_days, "as that of `outflow export`")
      ->envname("OUTFLOW_SETS_WILDCARD_DAYS")
      ->check(CLI::Range(1U, 366U));
}

void add_rules(CLI::App& app, WriteSetsConfig& sets) {
  apply::Rules& rules = sets.rounds.rules;
  app.add_option("--max-nets", rules.nets_max, "a set that would hold more stays as it is")
      ->envname("OUTFLOW_SETS_MAX_NETS")
      ->check(CLI::Range(std::size_t{1}, kNetsMost))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--remove-after",
         [&rules](const std::string& text) { rules.remove_after = *parse_duration(text); },
         "an address leaves when every answer for so long did without it: 10m")
      ->envname("OUTFLOW_SETS_REMOVE_AFTER")
      ->check(check_duration)
      ->default_str("10m");
  app.add_option_function<std::vector<std::string>>(
         "--allow-private",
         [&rules](const std::vector<std::string>& texts) {
           for (const auto& text : texts)
             rules.private_allowed.push_back(*net::Prefix::parse(text));
         },
         "CIDR of the inside that names may lead to; none else may. May be repeated")
      ->envname("OUTFLOW_SETS_ALLOW_PRIVATE")
      ->delimiter(',')
      ->check(check_prefix);
  app.add_flag("--allow-empty", rules.may_empty, "a set may also lose everything it holds")
      ->envname("OUTFLOW_SETS_ALLOW_EMPTY");
  app.add_flag("--create", sets.rounds.create,
               "make sets that are not there; without it they are only reported")
      ->envname("OUTFLOW_SETS_CREATE");
  app.add_flag("--force-conflicts", sets.force_conflicts,
               "take spec.nets from other field managers")
      ->envname("OUTFLOW_SETS_FORCE_CONFLICTS");
}

}  // namespace

void add_write_sets(CLI::App& app, AggregatorConfig& config) {
  WriteSetsConfig& sets = config.write_sets;
  CLI::App& write = *app.add_subcommand(
      "write-sets",
      "apply the live sets of a running aggregator (outflow sets) to GlobalNetworkSets of the "
      "cluster: their nets alone, and only where a set carries the label outflow.dev/set");
  write.fallthrough();
  write.callback([&config] { config.task = Task::WriteSets; });
  add_ways(write, config);
  // Nobody opens namespaces by accident: which is always said.
  CLI::Option* const some = write
                                .add_option_function<std::vector<std::string>>(
                                    "-n,--namespace",
                                    [&sets](const std::vector<std::string>& names) {
                                      sets.rounds.namespaces.insert(names.begin(), names.end());
                                    },
                                    "whose sets are written; may be repeated")
                                ->envname("OUTFLOW_SETS_NAMESPACE")
                                ->delimiter(',')
                                ->check(check_namespace);
  CLI::Option* const every =
      write.add_flag("--all-namespaces", sets.all_namespaces, "those of every selected namespace")
          ->envname("OUTFLOW_SETS_ALL_NAMESPACES");
  some->excludes(every);
  write
      .add_option_function<std::string>(
          "--interval", [&sets](const std::string& text) { sets.interval = *parse_duration(text); },
          "between two questions: 30s")
      ->envname("OUTFLOW_SETS_INTERVAL")
      ->check(check_interval)
      ->default_str("30s");
  add_classes(write, sets);
  add_rules(write, sets);
  write.add_flag("--once", sets.once,
                 "ask and apply once, then exit: 0, 2 on errors, 5 when something was refused");
  write.add_flag("--dry-run", sets.rounds.dry_run,
                 "once, print what would be applied, and let the API server check it; nothing "
                 "changes");
  write.footer(
      "Where the API server is say --kube, --kubeconfig and --kube-context; --http-listen is\n"
      "127.0.0.1:9445 unless given; --log-level and --redact-external are as those of the\n"
      "aggregator.");
}

Result<void> check_write_sets(AggregatorConfig& config, bool http_given) {
  WriteSetsConfig& sets = config.write_sets;
  if (sets.rounds.namespaces.empty() && !sets.all_namespaces) {
    return fail("write-sets: say --namespace (may be repeated) or --all-namespaces");
  }
  if (!config.has_api_server()) {
    return fail("write-sets: say --kube (the cluster we run in) or --kubeconfig");
  }
  if (!sets.token_file.empty() && !config.tls.certificate.empty()) {
    return fail("--token-file and --tls-cert: one of the two says who you are, not both");
  }
  if (!sets.token_file.empty() && !config.tls.given()) {
    return fail("--token-file: a token is sent over TLS only; give --tls-ca");
  }
  sets.dial.tls = config.tls;
  sets.dial.insecure = config.insecure;
  sets.once = sets.once || sets.rounds.dry_run;
  if (!http_given) config.http_listen = kHttpListen;
  if (sets.once) config.http_listen.clear();
  return {};
}

}  // namespace outflow
