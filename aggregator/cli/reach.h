// The way to an aggregator inside a cluster: `kubectl port-forward`, run as a child while the
// client lives, with the rights of whoever runs us. Nothing is written to the cluster but the token
// request that --service-account asks for.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aggregator/cli/exit.h"
#include "common/clock.h"

namespace outflow::cli {

struct KubeSettings {
  std::string context;                           // "": the kubeconfig's current one
  std::string kubeconfig;                        // "": kubectl's own choice
  std::string service_account;                   // "NS/NAME" whose token is shown; "": none
  std::string own_namespace = "outflow-system";  // where the aggregator's Service and CA are
};

// How the aggregator is reached; all that a client needs to open its channel.
struct Reach {
  std::string server;       // HOST:PORT, or unix:PATH
  std::string ca_pem;       // "": none was found, the wire is plaintext
  std::string token;        // "": none
  std::string server_name;  // in the aggregator's certificate; "": the host of `server`
  // The child's holder: the way ends with its last copy. Null when there is no child.
  std::shared_ptr<void> held;
  // Why the way broke, once it did: "kubectl ended: ..."; "" while it stands. May be empty.
  std::function<std::string()> trouble;
};

// Whether the way leads through a cluster. `server` was given: no. A context or a kubeconfig was:
// yes. Else when there is a kubeconfig where kubectl looks: $KUBECONFIG (a list), ~/.kube/config.
[[nodiscard]] bool through_cluster(bool server_given, const KubeSettings& settings);

// An Error within `timeout` (0: within a minute), with what kubectl said. `want_ca`: no --tls-ca
// was given, so it is looked up in the cluster.
[[nodiscard]] Outcome<Reach> reach_cluster(const KubeSettings& settings, bool want_ca,
                                           nanoseconds timeout);

// The port of "Forwarding from 127.0.0.1:PORT -> 7443"; 0 for any other line. Pure.
[[nodiscard]] int forwarded_port(const std::string& line);

}  // namespace outflow::cli
