#include "aggregator/cli/reach.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <sstream>

#include "aggregator/cli/child.h"

namespace outflow::cli {
namespace {

// The names of our objects in a cluster, as deploy/ makes them.
constexpr const char* kService = "outflow-aggregator";
constexpr const char* kServicePort = "7443";
constexpr const char* kCaConfigMap = "outflow-ca";
constexpr const char* kAudience = "outflow-aggregator";
constexpr auto kTimeoutDefault = std::chrono::seconds(60);

using Words = std::vector<std::string>;

Words kubectl(const KubeSettings& settings, const Words& words) {
  Words all{"kubectl"};
  if (!settings.context.empty()) all.insert(all.end(), {"--context", settings.context});
  if (!settings.kubeconfig.empty()) all.insert(all.end(), {"--kubeconfig", settings.kubeconfig});
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Result<std::string> ask(const Words& words, Child::Deadline deadline) {
  auto child = Child::spawn(words);
  if (!child) return fail(std::move(child).error());
  return child->output(deadline);
}

Result<std::string> ca_of(const KubeSettings& settings, Child::Deadline deadline) {
  // Not found is no error: an aggregator without TLS has none.
  return ask(kubectl(settings, {"-n", settings.own_namespace, "get", "configmap", kCaConfigMap,
                                "--ignore-not-found", "-o", "jsonpath={.data.ca\\.crt}"}),
             deadline);
}

Result<std::string> token_of(const KubeSettings& settings, Child::Deadline deadline) {
  const std::size_t slash = settings.service_account.find('/');
  const std::string space = settings.service_account.substr(0, slash);
  const std::string name =
      slash == std::string::npos ? "" : settings.service_account.substr(slash + 1);
  if (space.empty() || name.empty() || name.find('/') != std::string::npos) {
    return fail("--service-account: '" + settings.service_account + "' is not NAMESPACE/NAME");
  }
  auto token = ask(kubectl(settings, {"create", "token", name, "-n", space, "--audience", kAudience,
                                      "--duration", "10m"}),
                   deadline);
  if (!token) return fail(std::move(token).error().within("--service-account"));
  while (!token->empty() && token->back() == '\n') token->pop_back();
  if (token->empty() || token->find_first_of(" \n\r\t") != std::string::npos) {
    return fail("--service-account: what kubectl gave is no token");
  }
  return token;
}

Result<int> wait_for_port(Child& child, Child::Deadline deadline) {
  for (;;) {
    const auto line = child.line(deadline);
    if (!line) return fail(Error(line.error()));
    if (const int port = forwarded_port(*line); port != 0) return port;
  }
}

bool is_there(const std::string& path) {
  return !path.empty() && ::access(path.c_str(), F_OK) == 0;
}

Result<Reach> open_way(const KubeSettings& settings, bool want_ca, Child::Deadline deadline) {
  Reach reach;
  reach.server_name = kService;
  if (!settings.service_account.empty()) {
    auto token = token_of(settings, deadline);
    if (!token) return fail(std::move(token).error());
    reach.token = std::move(*token);
  }
  if (want_ca) {
    auto ca = ca_of(settings, deadline);
    if (!ca) return fail(std::move(ca).error().within("read the CA"));
    reach.ca_pem = std::move(*ca);
  }
  auto spawned = Child::spawn(kubectl(
      settings, {"-n", settings.own_namespace, "port-forward", std::string("service/") + kService,
                 std::string(":") + kServicePort, "--address", "127.0.0.1"}));
  if (!spawned) return fail(std::move(spawned).error());
  const auto child = std::make_shared<Child>(std::move(*spawned));
  const auto port = wait_for_port(*child, deadline);
  if (!port) return fail(Error(port.error()).within("port-forward"));
  reach.server = "127.0.0.1:" + std::to_string(*port);
  reach.held = child;
  reach.trouble = [child]() -> std::string {
    return child->ended() ? "kubectl port-forward ended: " + child->errors() : "";
  };
  return reach;
}

}  // namespace

int forwarded_port(const std::string& line) {
  constexpr std::string_view kStart = "Forwarding from 127.0.0.1:";
  if (!line.starts_with(kStart)) return 0;
  int port = 0;
  const char* const begin = line.data() + kStart.size();
  const auto [end, error] = std::from_chars(begin, line.data() + line.size(), port);
  const bool whole = end == line.data() + line.size() || *end == ' ';
  return error == std::errc() && whole && port > 0 && port <= 65535 ? port : 0;
}

bool through_cluster(bool server_given, const KubeSettings& settings) {
  if (server_given) return false;
  if (!settings.context.empty() || !settings.kubeconfig.empty()) return true;
  // NOLINTBEGIN(concurrency-mt-unsafe): one thread yet
  const char* const listed = std::getenv("KUBECONFIG");
  const char* const home = std::getenv("HOME");
  // NOLINTEND(concurrency-mt-unsafe)
  if (listed != nullptr && *listed != '\0') {
    std::istringstream paths(listed);
    for (std::string path; std::getline(paths, path, ':');) {
      if (is_there(path)) return true;
    }
    return false;
  }
  return home != nullptr && is_there(std::string(home) + "/.kube/config");
}

Outcome<Reach> reach_cluster(const KubeSettings& settings, bool want_ca, nanoseconds timeout) {
  const nanoseconds wait = timeout.count() == 0 ? nanoseconds(kTimeoutDefault) : timeout;
  auto reach = open_way(settings, want_ca, std::chrono::steady_clock::now() + wait);
  if (reach) return std::move(*reach);
  return give_up("cannot reach the aggregator through the cluster: " + reach.error().what +
                 "; --server names an address instead");
}

}  // namespace outflow::cli
