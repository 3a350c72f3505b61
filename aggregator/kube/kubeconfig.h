// A kubeconfig (the file kubectl uses): the fields of its format v1 that say how to reach a server
// and who asks. Pure but for read_kubeconfigs. Several files are merged as kubectl does: the first
// that names a cluster, user, context or current-context decides. Paths in a file are relative to
// its folder. Errors say "FILE: users[NAME].exec.command: is missing".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"

namespace outflow::kube {

inline constexpr std::size_t kKubeconfigBytesMax = std::size_t{4} << 20U;

// Contents given in the file itself, or the file that has them; what is given itself is stronger.
struct Material {
  std::string data;  // decoded
  std::string file;
  [[nodiscard]] bool given() const { return !data.empty() || !file.empty(); }
};

// A program that gives credentials (client.authentication.k8s.io), started without a shell.
struct ExecPlugin {
  std::string api_version;  // client.authentication.k8s.io/v1 or /v1beta1
  std::string command;      // with a slash: a path; else looked up in PATH
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  bool provide_cluster_info = false;
  std::string install_hint;
};

// How to reach one server as one user.
struct Login {
  std::string server;
  std::string tls_server_name;
  std::string proxy;
  bool insecure_skip_verify = false;
  Material ca;
  Material client_certificate;
  Material client_key;
  std::string token;
  std::string token_file;
  std::optional<ExecPlugin> exec;
  std::string namespace_name;  // of the context; "" when it has none
};

class Kubeconfig {
 public:
  // `file` names it in errors and is what its paths are relative to.
  [[nodiscard]] static Result<Kubeconfig> parse(std::string_view text, const std::string& file);
  // What `other` has and this has not.
  void add(Kubeconfig other);
  // "" = the current context.
  [[nodiscard]] Result<Login> login(const std::string& context) const;
  [[nodiscard]] const std::string& current_context() const { return current_context_; }

 private:
  struct Cluster {
    std::string server;
    std::string tls_server_name;
    std::string proxy;
    bool insecure_skip_verify = false;
    Material ca;
  };
  struct User {
    Material client_certificate;
    Material client_key;
    std::string token;
    std::string token_file;
    std::optional<ExecPlugin> exec;
    std::string unsupported;  // a field that is the only way in and is not ours: "auth-provider"
  };
  struct Context {
    std::string cluster;
    std::string user;
    std::string namespace_name;
  };
  friend class KubeconfigReader;

  std::string file_;
  std::string current_context_;
  std::map<std::string, Cluster> clusters_;
  std::map<std::string, User> users_;
  std::map<std::string, Context> contexts_;
};

// Reads and merges them. `files` as Access::from_kubeconfig() takes them; a file of several that is
// missing is passed over, as kubectl does.
[[nodiscard]] Result<Kubeconfig> read_kubeconfigs(const std::string& files);

// RFC 4648 section 4, with or without line breaks.
[[nodiscard]] Result<std::string> decode_base64(std::string_view text);

}  // namespace outflow::kube
