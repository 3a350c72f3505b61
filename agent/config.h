// What the agent is told: flags, OUTFLOW_... environment variables, defaults, in this precedence.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "proto/endpoint.h"

namespace outflow::agent {

enum class AttachMode { Auto, Tcx, Clsact };

inline constexpr std::uint32_t kTuplesMaxDefault = 65'536;
inline constexpr std::uint32_t kTuplesMaxLimit = 1U << 20U;

struct Config {
  std::string aggregator = "127.0.0.1:7443";
  std::string node_name;  // the host name unless told
  std::vector<std::string> interface_patterns = {"cali*"};
  AttachMode attach = AttachMode::Auto;
  std::uint32_t tuples_max = kTuplesMaxDefault;
  bool tls_names = true;  // of ClientHellos and HTTP requests
  nanoseconds report_interval = std::chrono::seconds(10);
  std::string state_dir = "/var/lib/outflow-agent";
  std::string bpffs_dir = "/sys/fs/bpf/outflow";
  bool dns_names = true;  // what DNS tells pods is read
  std::string netns_dir;  // empty: the pods' sockets are not looked at
  std::string http_listen = "127.0.0.1:9443";
  std::string log_level = "info";
  bool insecure = false;
  bool redact_external = false;  // no external address or name in logs
  tls::Files tls;
  std::string tls_server_name;  // expected in the aggregator's certificate; "" = as dialled
  std::string enroll_token;     // file of a service account token; "" = no enrolment
  std::string tls_dir;          // of the enrolled certificate; STATE_DIR/tls unless told
  bool uninstall = false;
  bool self_test = false;
};

// The command line ends here: --help and --version print `text` on stdout and exit 0; a bad value
// prints the flag's name and why on stderr and exits 2.
struct Exit {
  int code = 0;
  std::string text;
};

[[nodiscard]] std::variant<Config, Exit> read_config(int argc, const char* const* argv);

}  // namespace outflow::agent
