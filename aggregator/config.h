// What the aggregator is told: flags, OUTFLOW_... environment variables, defaults, in this
// precedence.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "aggregator/access/limits.h"
#include "aggregator/access/signer.h"
#include "aggregator/config_write_sets.h"
#include "aggregator/inventory/selector.h"
#include "aggregator/synthesis/policy.h"
#include "common/clock.h"
#include "common/net/prefix.h"
#include "proto/endpoint.h"

namespace outflow {

enum class Task { Serve, Restore, Upgrade, WriteSets };

struct AggregatorConfig {
  Task task = Task::Serve;
  std::string backup_file;  // of a restore
  std::string listen = "127.0.0.1:7443";
  std::string http_listen = "127.0.0.1:9444";  // "" = none
  std::string data_dir = "/var/lib/outflow-aggregator";
  std::string inventory_file;  // "" = none: without an API server nothing can be attributed
  bool kube = false;           // the API server of the cluster we run in
  std::string kubeconfig;      // that of a kubeconfig: a path, or several with ':' between them
  std::string kube_context;    // "" = its current one
  std::string feeds_file;      // manifest of provider ranges and own classes; "" = none
  nanoseconds retention = std::chrono::days(400);
  // How long it is known who had an address, after he is gone.
  nanoseconds interval_retention = std::chrono::days(28);
  // How long a batch waits for an inventory that can name everybody in it.
  nanoseconds attribution_wait = std::chrono::seconds(3);
  std::vector<net::Prefix> trusted_resolvers;  // beside those of the cluster
  inventory::LabelSelector select;
  std::string own_namespace{synthesis::kOwnNamespace};
  std::string log_level = "info";
  bool insecure = false;
  bool redact_external = false;  // no external address or name in logs

  [[nodiscard]] bool has_api_server() const {
    return kube || !kubeconfig.empty() || !kube_context.empty();
  }
  tls::Files tls;
  access::Signer::Files enroll_ca;  // "" = nobody is enrolled
  nanoseconds enroll_lifetime = std::chrono::hours(24);
  std::string agent_service_account = "outflow-agent";  // of our own namespace
  access::AgentLimits agent_limits;
  std::string audience = "outflow-aggregator";
  std::vector<std::string> admin_groups = {"outflow:admins"};
  WriteSetsConfig write_sets;
};

// The command line ends here: --help and --version print `text` on stdout and exit 0; a bad value
// prints the flag's name and why on stderr and exits 2.
struct CommandLineEnd {
  int code = 0;
  std::string text;
};

[[nodiscard]] std::variant<AggregatorConfig, CommandLineEnd> read_aggregator_config(
    int argc, const char* const* argv);

}  // namespace outflow
