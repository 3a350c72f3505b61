#include "aggregator/config.h"

#include <CLI/CLI.hpp>

#include "common/text.h"
#include "proto/endpoint.h"
#include "proto/wire.h"

namespace outflow {
namespace {

constexpr auto kRetentionMin = std::chrono::days(1);
// Shorter ones would be renewed all the time; longer ones are no better than those made by hand.
constexpr auto kLifetimeMin = std::chrono::minutes(10);
constexpr auto kLifetimeMax = std::chrono::days(365);

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
  std::string enroll_lifetime = "24h";
  std::vector<std::string> trusted_resolvers;
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
  app.add_flag("--redact-external", config.redact_external,
               "keep addresses and names that are not the cluster's out of the log")
      ->envname("OUTFLOW_REDACT_EXTERNAL");
  app.add_flag("--insecure", config.insecure,
               "listen in plaintext on other than a loopback address")
      ->envname("OUTFLOW_INSECURE");
}

void add_kube_flags(CLI::App& app, AggregatorConfig& config) {
  app.add_flag("--kube", config.kube,
               "watch the API server of the cluster we run in, by our service account")
      ->envname("OUTFLOW_KUBE");
  app.add_option(
         "--kubeconfig", config.kubeconfig,
         "watch the API server of this kubeconfig; several with ':' between them are merged")
      ->envname("OUTFLOW_KUBECONFIG")
      ->check([](const std::string& text) {
        // A variable that was not set; not to watch would go unnoticed.
        return text.empty() ? "is empty" : "";
      });
  app.add_option("--kube-context", config.kube_context,
                 "the context of the kubeconfig; its current one when not given")
      ->envname("OUTFLOW_KUBE_CONTEXT");
}

void add_tls_flags(CLI::App& app, AggregatorConfig& config) {
  app.add_option("--tls-cert", config.tls.certificate,
                 "PEM file of our certificate chain; like the next two, read again when it changes")
      ->envname("OUTFLOW_TLS_CERT");
  app.add_option("--tls-key", config.tls.key, "PEM file of its private key")
      ->envname("OUTFLOW_TLS_KEY");
  app.add_option("--tls-ca", config.tls.authorities,
                 "PEM file of those who sign agents' and users' certificates")
      ->envname("OUTFLOW_TLS_CA");
}

std::string check_lifetime(const std::string& text) {
  const auto lifetime = parse_duration(text);
  if (!lifetime) return lifetime.error().what;
  const bool fits = *lifetime >= kLifetimeMin && *lifetime <= kLifetimeMax;
  return fits ? "" : "'" + text + "' is not between 10m and 365d";
}

void add_access_flags(CLI::App& app, AggregatorConfig& config, Raw& raw) {
  app.add_option("--audience", config.audience, "the audience that tokens shown to us must have")
      ->envname("OUTFLOW_AUDIENCE")
      ->capture_default_str();
  app.add_option("--admin-group", config.admin_groups,
                 "whose members may see and do everything; may be repeated")
      ->envname("OUTFLOW_ADMIN_GROUP")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--enroll-ca-cert", config.enroll_ca.certificate,
                 "PEM file of the authority that signs agents' certificates; with it agents enrol")
      ->envname("OUTFLOW_ENROLL_CA_CERT");
  app.add_option("--enroll-ca-key", config.enroll_ca.key, "PEM file of its private key")
      ->envname("OUTFLOW_ENROLL_CA_KEY");
  app.add_option("--enroll-lifetime", raw.enroll_lifetime, "how long such a certificate is good")
      ->envname("OUTFLOW_ENROLL_LIFETIME")
      ->check(check_lifetime)
      ->capture_default_str();
  app.add_option("--agent-service-account", config.agent_service_account,
                 "the service account of agents, in --own-namespace")
      ->envname("OUTFLOW_AGENT_SERVICE_ACCOUNT")
      ->capture_default_str();
}

void add_limit_flags(CLI::App& app, access::AgentLimits& limits) {
  constexpr std::uint32_t kMost = 1'000'000'000;
  app.add_option("--agent-rate", limits.batches_per_second,
                 "batches a second of one node, averaged over a minute; more must wait")
      ->envname("OUTFLOW_AGENT_RATE")
      ->check(CLI::Range(1U, kMost))
      ->capture_default_str();
  app.add_option("--agent-flows-per-minute", limits.flows_per_minute,
                 "flows a minute of one node; more must wait")
      ->envname("OUTFLOW_AGENT_FLOWS_PER_MINUTE")
      ->check(CLI::Range(static_cast<unsigned>(wire::kFlowsMax), kMost))
      ->capture_default_str();
  app.add_option("--agent-tuples-per-day", limits.tuples_per_day,
                 "distinct tuples a day of one node; more are the loss agent_cardinality")
      ->envname("OUTFLOW_AGENT_TUPLES_PER_DAY")
      ->check(CLI::Range(1U, kMost))
      ->capture_default_str();
}

Result<void> check_kube(const AggregatorConfig& config) {
  if (config.kube && (!config.kubeconfig.empty() || !config.kube_context.empty())) {
    return fail("--kube is the cluster we run in: it needs no --kubeconfig and no --kube-context");
  }
  return {};
}

// What no single flag can tell.
Result<void> check_together(AggregatorConfig& config, bool http_given) {
  if (auto checked = check_kube(config); !checked) return checked;
  if (config.task == Task::WriteSets) return check_write_sets(config, http_given);
  if (config.has_api_server() && !config.inventory_file.empty()) {
    return fail("--inventory-file: the inventory is watched already (--kube, --kubeconfig)");
  }
  if (config.enroll_ca.certificate.empty() != config.enroll_ca.key.empty()) {
    return fail("--enroll-ca-cert and --enroll-ca-key need each other");
  }
  if (!config.enroll_ca.key.empty() && !config.tls.given()) {
    return fail("--enroll-ca-cert needs --tls-cert, --tls-key and --tls-ca: enrolment is over TLS");
  }
  if (auto checked = tls::check_server_flags(config.tls); !checked) return checked;
  auto endpoint =
      checked_endpoint(config.listen, config.insecure || config.tls.given(), "--listen");
  if (!endpoint) return fail(std::move(endpoint).error());
  config.listen = *std::move(endpoint);
  return {};
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

void add_feeds_flag(CLI::App& app, AggregatorConfig& config) {
  app.add_option("--feeds", config.feeds_file,
                 "YAML manifest of published address ranges and own classes; it and the files it "
                 "names are read again when they change")
      ->envname("OUTFLOW_FEEDS");
}

std::string check_prefix(const std::string& text) {
  const auto prefix = net::Prefix::parse(text);
  return prefix ? "" : prefix.error().what;
}

void add_name_flags(CLI::App& app, Raw& raw) {
  app.add_option(
         "--trusted-resolver", raw.trusted_resolvers,
         "CIDR or address of resolvers whose answers may open a policy, beside services and "
         "pods of kube-* namespaces, nodes and link-local caches; may be repeated")
      ->envname("OUTFLOW_TRUSTED_RESOLVER")
      ->delimiter(',')
      ->check(check_prefix);
}

// What is done instead of serving: to the data folder, or, for a running aggregator, to the
// cluster.
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
  add_write_sets(app, config);
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
  add_kube_flags(app, config);
  add_tls_flags(app, config);
  add_access_flags(app, config, raw);
  add_limit_flags(app, config.agent_limits);
  add_interval_flags(app, raw);
  add_feeds_flag(app, config);
  add_name_flags(app, raw);
  add_tasks(app, config);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    const bool version = asked.get_name() == "CallForVersion";
    return CommandLineEnd{0, version ? std::string(asked.what()) + "\n" : app.help()};
  } catch (const CLI::ParseError& error) {
    return CommandLineEnd{2, std::string("outflow-aggregator: ") + error.what() + "\n"};
  }
  config.enroll_lifetime = *parse_duration(raw.enroll_lifetime);
  config.retention = *parse_duration(raw.retention);
  config.interval_retention = *parse_duration(raw.interval_retention);
  config.attribution_wait =
      raw.attribution_wait == "0" ? nanoseconds(0) : *parse_duration(raw.attribution_wait);
  for (const std::string& text : raw.trusted_resolvers) {
    config.trusted_resolvers.push_back(*net::Prefix::parse(text));
  }
  config.select = *inventory::LabelSelector::parse(raw.select);
  if (auto checked = check_together(config, app.count("--http-listen") > 0); !checked) {
    return CommandLineEnd{2, "outflow-aggregator: " + checked.error().what + "\n"};
  }
  return config;
}

}  // namespace outflow
