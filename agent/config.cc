#include "agent/config.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "agent/pattern.h"
#include "common/text.h"
#include "proto/endpoint.h"
#include "proto/wire.h"

namespace outflow::agent {
namespace {

constexpr auto kReportIntervalMin = std::chrono::milliseconds(100);
constexpr auto kReportIntervalMax = std::chrono::hours(1);

std::string host_name() {
  std::array<char, 254> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

// CLI11 prints "--flag: <what this returns>"; an empty string accepts.
std::string check_node_name(const std::string& name) {
  const bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!name.empty() && name.size() <= wire::kNodeNameMax && printable) return "";
  return fmt::format("'{}' is not 1 to {} printable characters without spaces", name,
                     wire::kNodeNameMax);
}

std::string check_interval(const std::string& text) {
  const auto interval = parse_duration(text);
  if (!interval) return interval.error().what;
  if (*interval >= kReportIntervalMin && *interval <= kReportIntervalMax) return "";
  return fmt::format("'{}' is not between {} and {}", text,
                     to_text(nanoseconds(kReportIntervalMin)),
                     to_text(nanoseconds(kReportIntervalMax)));
}

std::string check_directory(const std::string& path) {
  return path.starts_with('/') ? "" : fmt::format("'{}' is not an absolute path", path);
}

std::string check_pattern(const std::string& pattern) {
  return glob_error(pattern);
}

const std::map<std::string, AttachMode>& attach_modes() {
  static const std::map<std::string, AttachMode> kModes = {
      {"auto", AttachMode::Auto}, {"tcx", AttachMode::Tcx}, {"clsact", AttachMode::Clsact}};
  return kModes;
}

// What the command line gives as text and the Config holds as something better.
struct Raw {
  std::string attach = "auto";
  std::string report_interval = "10s";
  std::string dns_names = "on";
  std::string tls_names = "on";
};

void add_flags(CLI::App& app, Config& config, Raw& raw) {
  app.set_version_flag("--version", std::string("outflow-agent ") + OUTFLOW_VERSION);
  app.add_option("--aggregator", config.aggregator, "HOST:PORT or unix:PATH of the aggregator")
      ->envname("OUTFLOW_AGGREGATOR")
      ->capture_default_str();
  app.add_option("--node-name", config.node_name,
                 "the node's name in Kubernetes; the host name "
                 "unless given")
      ->envname("OUTFLOW_NODE_NAME")
      ->check(check_node_name);
  app.add_option("--interface-pattern", config.interface_patterns,
                 "host-side pod interfaces to hook, as globs separated by commas")
      ->envname("OUTFLOW_INTERFACE_PATTERN")
      ->capture_default_str()
      ->delimiter(',')
      ->check(check_pattern);
  app.add_option("--attach", raw.attach, "auto, tcx or clsact; auto is tcx where the kernel has it")
      ->envname("OUTFLOW_ATTACH")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "tcx", "clsact"}));
  app.add_option("--tuples-max", config.tuples_max, "room of the kernel's tuple table")
      ->envname("OUTFLOW_TUPLES_MAX")
      ->capture_default_str()
      ->check(CLI::Range(1U, kTuplesMaxLimit));
  app.add_option("--report-interval", raw.report_interval, "time between two reports: 10s, 1m")
      ->envname("OUTFLOW_REPORT_INTERVAL")
      ->capture_default_str()
      ->check(check_interval);
  app.add_option("--state-dir", config.state_dir, "what must survive a restart of the agent")
      ->envname("OUTFLOW_STATE_DIR")
      ->capture_default_str()
      ->check(check_directory);
  app.add_option("--bpffs-dir", config.bpffs_dir, "where maps and links are pinned")
      ->envname("OUTFLOW_BPFFS_DIR")
      ->capture_default_str()
      ->check(check_directory);
  app.add_option("--netns-dir", config.netns_dir,
                 "also look for older connections in the sockets of the network namespaces mounted "
                 "there (/run/netns); needs CAP_SYS_ADMIN; not done unless given")
      ->envname("OUTFLOW_NETNS_DIR")
      ->check(check_directory);
  app.add_option("--http-listen", config.http_listen, "HOST:PORT of /metrics, /healthz, /readyz")
      ->envname("OUTFLOW_HTTP_LISTEN")
      ->capture_default_str();
  app.add_option("--log-level", config.log_level, "debug, info, warn or error")
      ->envname("OUTFLOW_LOG_LEVEL")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_flag("--redact-external", config.redact_external,
               "keep addresses and names that are not the cluster's out of the log")
      ->envname("OUTFLOW_REDACT_EXTERNAL");
  app.add_flag("--insecure", config.insecure,
               "allow plaintext to an address that is not a loopback")
      ->envname("OUTFLOW_INSECURE");
  app.add_flag(
      "--self-test", config.self_test,
      "load the programs onto maps of their own, send them a made packet, then exit: 0 when "
      "they recorded it, else 1; a running agent is not touched");
  app.add_flag("--uninstall", config.uninstall, "remove every hook, pin and state, then exit");
}

void add_name_flags(CLI::App& app, Raw& raw) {
  app.add_option("--dns-names", raw.dns_names,
                 "on or off: whether the names in DNS answers to pods are read and reported")
      ->envname("OUTFLOW_DNS_NAMES")
      ->capture_default_str()
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--tls-names", raw.tls_names,
                 "on or off: whether the names that pods say themselves are read, out of the TLS "
                 "ClientHello of each connection and of HTTP requests at port 80; nothing else of "
                 "what they send ever is")
      ->envname("OUTFLOW_TLS_NAMES")
      ->capture_default_str()
      ->check(CLI::IsMember({"on", "off"}));
}

void add_tls_flags(CLI::App& app, Config& config) {
  app.add_option("--tls-ca", config.tls.authorities,
                 "PEM file of those who sign the aggregator's certificate; like the next two, read "
                 "again when it changes")
      ->envname("OUTFLOW_TLS_CA");
  app.add_option("--tls-cert", config.tls.certificate, "PEM file of our certificate chain")
      ->envname("OUTFLOW_TLS_CERT");
  app.add_option("--tls-key", config.tls.key, "PEM file of its private key")
      ->envname("OUTFLOW_TLS_KEY");
  app.add_option("--tls-server-name", config.tls_server_name,
                 "the name in the aggregator's certificate, when it is not the one dialled")
      ->envname("OUTFLOW_TLS_SERVER_NAME");
  app.add_option("--enroll-token", config.enroll_token,
                 "file of a projected service account token for the aggregator's audience: with it "
                 "a certificate is asked for and renewed, instead of --tls-cert and --tls-key")
      ->envname("OUTFLOW_ENROLL_TOKEN");
  app.add_option("--tls-dir", config.tls_dir,
                 "where the certificate asked for is kept; tls in --state-dir unless given")
      ->envname("OUTFLOW_TLS_DIR")
      ->check(check_directory);
}

Result<void> check_enrolment(Config& config) {
  if (config.enroll_token.empty()) {
    return config.tls_dir.empty() ? Result<void>() : fail("--tls-dir needs --enroll-token");
  }
  if (config.tls.authorities.empty()) {
    return fail("--enroll-token needs --tls-ca: the token is shown to a proven aggregator only");
  }
  if (!config.tls.certificate.empty()) {
    return fail("--enroll-token and --tls-cert exclude each other");
  }
  if (config.aggregator.starts_with("unix:")) {
    return fail("--enroll-token: a Unix socket is plaintext, tokens are sent over TLS only");
  }
  if (config.tls_dir.empty()) config.tls_dir = config.state_dir + "/tls";
  return {};
}

// What no single flag can tell.
Result<void> check_together(Config& config) {
  if (auto checked = tls::check_client_flags(config.tls); !checked) return checked;
  auto endpoint =
      checked_endpoint(config.aggregator, config.insecure || config.tls.given(), "--aggregator");
  if (!endpoint) return fail(std::move(endpoint).error());
  config.aggregator = *std::move(endpoint);
  return check_enrolment(config);
}

}  // namespace

std::variant<Config, Exit> read_config(int argc, const char* const* argv) {
  Config config;
  Raw raw;
  CLI::App app{"Watches what pods send and reports it to the Outflow aggregator.", "outflow-agent"};
  app.get_formatter()->column_width(34);
  add_flags(app, config, raw);
  add_name_flags(app, raw);
  add_tls_flags(app, config);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    const bool version = asked.get_name() == "CallForVersion";
    return Exit{0, version ? std::string(asked.what()) + "\n" : app.help()};
  } catch (const CLI::ParseError& error) {
    return Exit{2, std::string("outflow-agent: ") + error.what() + "\n"};
  }
  config.attach = attach_modes().at(raw.attach);
  config.dns_names = raw.dns_names == "on";
  config.tls_names = raw.tls_names == "on";
  config.report_interval = *parse_duration(raw.report_interval);
  if (config.node_name.empty()) config.node_name = host_name();
  if (const std::string why = check_node_name(config.node_name); !why.empty()) {
    return Exit{2, "outflow-agent: --node-name: " + why + "\n"};
  }
  if (auto checked = check_together(config); !checked) {
    return Exit{2, "outflow-agent: " + checked.error().what + "\n"};
  }
  return config;
}

}  // namespace outflow::agent
