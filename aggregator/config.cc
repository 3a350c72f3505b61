#include "aggregator/config.h"

#include <CLI/CLI.hpp>

#include "common/text.h"
#include "proto/endpoint.h"

namespace outflow {
namespace {

constexpr auto kRetentionMin = std::chrono::days(1);

// CLI11 prints "--flag: <what this returns>"; an empty string accepts.
std::string check_retention(const std::string& text) {
  const auto retention = parse_duration(text);
  if (!retention) return retention.error().what;
  return *retention >= kRetentionMin ? "" : "'" + text + "' is less than 1d";
}

std::string check_select(const std::string& text) {
  const auto selector = inventory::LabelSelector::parse(text);
  return selector ? "" : selector.error().what;
}

// What the command line gives as text and the config holds as something better.
struct Raw {
  std::string retention = "400d";
  std::string select;
};

void add_flags(CLI::App& app, AggregatorConfig& config, Raw& raw) {
  app.set_version_flag("--version", std::string("outflow-aggregator ") + OUTFLOW_VERSION);
  app.add_option("--listen", config.listen, "HOST:PORT or unix:PATH for agents and the CLI")
      ->envname("OUTFLOW_LISTEN")
      ->capture_default_str();
  app.add_option("--http-listen", config.http_listen,
                 "HOST:PORT of /metrics, /healthz, /readyz; empty for none")
      ->envname("OUTFLOW_HTTP_LISTEN")
      ->capture_default_str();
  app.add_option("--data-dir", config.data_dir, "where the history is kept")
      ->envname("OUTFLOW_DATA_DIR")
      ->capture_default_str();
  app.add_option("--inventory-file", config.inventory_file,
                 "output of: kubectl get namespaces,nodes,pods,services,endpointslices,"
                 "replicasets,jobs,cronjobs,networkpolicies -A -o json; read again when it changes")
      ->envname("OUTFLOW_INVENTORY_FILE");
  app.add_option("--retention", raw.retention, "how long history is kept: 400d")
      ->envname("OUTFLOW_RETENTION")
      ->check(check_retention)
      ->capture_default_str();
  app.add_option("--select", raw.select,
                 "label selector of the namespaces to judge: tier in (3-edge,4-aux)")
      ->envname("OUTFLOW_SELECT")
      ->check(check_select);
  app.add_option("--own-namespace", config.own_namespace,
                 "the namespace Outflow runs in: not judged unless it is named")
      ->envname("OUTFLOW_OWN_NAMESPACE")
      ->capture_default_str();
  app.add_option("--log-level", config.log_level, "debug, info, warn or error")
      ->envname("OUTFLOW_LOG_LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  app.add_flag("--insecure", config.insecure,
               "listen in plaintext on other than a loopback address")
      ->envname("OUTFLOW_INSECURE");
}

// What is done to the data folder instead of serving from it.
void add_tasks(CLI::App& app, AggregatorConfig& config) {
  CLI::App* const restore = app.add_subcommand(
      "restore", "put a backup (outflow backup FILE) into an empty --data-dir, then exit");
  restore->fallthrough();
  restore->add_option("FILE", config.backup_file, "the backup")->required();
  restore->callback([&config] { config.task = Task::Restore; });
  CLI::App* const upgrade = app.add_subcommand(
      "upgrade", "make the store in --data-dir, of an older format, one of today's, then exit");
  upgrade->fallthrough();
  upgrade->callback([&config] { config.task = Task::Upgrade; });
  app.require_subcommand(0, 1);
}

}  // namespace

std::variant<AggregatorConfig, CommandLineEnd> read_aggregator_config(int argc,
                                                                      const char* const* argv) {
  AggregatorConfig config;
  Raw raw;
  CLI::App app{"Keeps what agents saw, knows whose it was, and answers the outflow command.",
               "outflow-aggregator"};
  add_flags(app, config, raw);
  add_tasks(app, config);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    const bool version = asked.get_name() == "CallForVersion";
    return CommandLineEnd{0, version ? std::string(asked.what()) + "\n" : app.help()};
  } catch (const CLI::ParseError& error) {
    return CommandLineEnd{2, std::string("outflow-aggregator: ") + error.what() + "\n"};
  }
  config.retention = *parse_duration(raw.retention);
  config.select = *inventory::LabelSelector::parse(raw.select);
  auto endpoint = checked_endpoint(config.listen, config.insecure, "--listen");
  if (!endpoint) return CommandLineEnd{2, "outflow-aggregator: " + endpoint.error().what + "\n"};
  config.listen = *endpoint;
  return config;
}

}  // namespace outflow
