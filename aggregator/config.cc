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
  std::string interval_retention = "28d";
  std::string attribution_wait = "3s";
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

constexpr auto kAttributionWaitMax = std::chrono::minutes(1);

std::string check_wait(const std::string& text) {
  if (text == "0") return "";
  const auto wait = parse_duration(text);
  if (!wait) return wait.error().what;
  return *wait <= kAttributionWaitMax ? "" : "'" + text + "' is more than 1m";
}

void add_interval_flags(CLI::App& app, Raw& raw) {
  app.add_option("--interval-retention", raw.interval_retention,
                 "how long it is known who had which address, after he is gone")
      ->envname("OUTFLOW_INTERVAL_RETENTION")
      ->check(check_retention)
      ->capture_default_str();
  app.add_option(
         "--attribution-wait", raw.attribution_wait,
         "how long a batch waits for an inventory that names everybody in it; 0: not at all")
      ->envname("OUTFLOW_ATTRIBUTION_WAIT")
      ->check(check_wait)
      ->capture_default_str();
}

}  // namespace

std::variant<AggregatorConfig, CommandLineEnd> read_aggregator_config(int argc,
                                                                      const char* const* argv) {
  AggregatorConfig config;
  Raw raw;
  CLI::App app{"Keeps what agents saw, knows whose it was, and answers the outflow command.",
               "outflow-aggregator"};
  add_flags(app, config, raw);
  add_interval_flags(app, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    const bool version = asked.get_name() == "CallForVersion";
    return CommandLineEnd{0, version ? std::string(asked.what()) + "\n" : app.help()};
  } catch (const CLI::ParseError& error) {
    return CommandLineEnd{2, std::string("outflow-aggregator: ") + error.what() + "\n"};
  }
  config.retention = *parse_duration(raw.retention);
  config.interval_retention = *parse_duration(raw.interval_retention);
  config.attribution_wait =
      raw.attribution_wait == "0" ? nanoseconds(0) : *parse_duration(raw.attribution_wait);
  config.select = *inventory::LabelSelector::parse(raw.select);
  auto endpoint = checked_endpoint(config.listen, config.insecure, "--listen");
  if (!endpoint) return CommandLineEnd{2, "outflow-aggregator: " + endpoint.error().what + "\n"};
  config.listen = *endpoint;
  return config;
}

}  // namespace outflow
