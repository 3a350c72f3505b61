// Any text as a kubeconfig, as what an exec plugin prints, and as base64: a login, or an error that
// names the file.
#include <cassert>
#include <string>

#include "aggregator/kube/exec_plugin.h"
#include "aggregator/kube/kubeconfig.h"

using namespace outflow::kube;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  auto config = Kubeconfig::parse(text, "F");
  if (config) {
    const auto login = config->login("");
    if (login) assert(login->server.starts_with("http"));
    if (!login) assert(login.error().what.starts_with("F"));
    Kubeconfig merged = *config;
    merged.add(*config);
    assert(merged.current_context() == config->current_context());
  } else {
    assert(config.error().what.starts_with("F: "));
    assert(config.error().what.find('\n') == std::string::npos);
  }
  const auto credential = read_exec_credential(text, "client.authentication.k8s.io/v1");
  if (credential) assert(!credential->token.empty() || !credential->client_certificate.empty());
  static_cast<void>(decode_base64(text));
  return 0;
}
