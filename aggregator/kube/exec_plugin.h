// Credentials from a program, as kubectl's exec plugins give them (client.authentication.k8s.io):
// it is started by its arguments, without a shell, is told what is wanted in KUBERNETES_EXEC_INFO,
// and prints an ExecCredential. It has no terminal: a plugin that must ask a person fails.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "aggregator/kube/kubeconfig.h"
#include "common/clock.h"
#include "common/result.h"

namespace outflow::kube {

inline constexpr std::chrono::seconds kExecTime{60};  // then it is killed with all it started
inline constexpr std::size_t kExecOutputMax = std::size_t{1} << 20U;
inline constexpr std::size_t kExecErrorsShown = 1024;

struct ExecCredential {
  std::string token;
  std::string client_certificate;  // PEM
  std::string client_key;
  std::optional<TimePoint> expires;
};

// Pure: what a plugin printed. It must be of the apiVersion the plugin is configured with.
[[nodiscard]] Result<ExecCredential> read_exec_credential(std::string_view json,
                                                          const std::string& api_version);

// The value of KUBERNETES_EXEC_INFO.
[[nodiscard]] std::string exec_info(const Login& login);

// Runs it. The error shows the end of what it wrote to stderr.
[[nodiscard]] Result<ExecCredential> run_exec_plugin(const Login& login,
                                                     std::chrono::milliseconds time = kExecTime);

}  // namespace outflow::kube
