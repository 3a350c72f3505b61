// Where the API server is and who we are to it: a service account inside a cluster, or a
// kubeconfig. Files are read again when they may have changed: tokens and client certificates every
// kRereadEvery and after a 401, the CA when its time of change, inode or size did (kubelet changes
// both by swapping a link). A file that cannot be read again leaves what was last good in use.
// Errors name the file and the field. Safe to use from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aggregator/kube/exec_plugin.h"
#include "aggregator/kube/kubeconfig.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/result.h"

namespace outflow::kube {

inline constexpr std::chrono::seconds kRereadEvery{60};
inline constexpr std::size_t kCredentialBytesMax = std::size_t{1} << 20U;

// What one request needs. Certificates are PEM texts.
struct Credentials {
  std::string server;  // "https://10.96.0.1:443", without a slash at the end
  std::string ca;      // "": what the system trusts
  std::string client_certificate;
  std::string client_key;
  std::string token;
  std::string tls_server_name;  // "": the server's own name
  std::string proxy;            // "": what the environment says
  bool insecure_skip_verify = false;
};

// No control characters, which would end the line (a token that came with its file's end).
[[nodiscard]] bool may_be_a_header(std::string_view text);
// The same server, CA, client certificate and ways to check: what TLS was made with.
[[nodiscard]] bool same_tls(const Credentials& one, const Credentials& other);

class Access {
 public:
  // KUBERNETES_SERVICE_HOST and _PORT and the files kubelet mounts into `directory`.
  [[nodiscard]] static Result<std::unique_ptr<Access>> in_cluster(
      const std::string& directory = "/var/run/secrets/kubernetes.io/serviceaccount");
  // `file` is one path or several with ':' between them; "" = $KUBECONFIG, else ~/.kube/config.
  // `context` "" = the current one.
  [[nodiscard]] static Result<std::unique_ptr<Access>> from_kubeconfig(const std::string& file,
                                                                       const std::string& context);
  explicit Access(Login login) : login_(std::move(login)) {}

  // What to send now. May run an exec plugin (for at most kExecTime), so it may block that long.
  [[nodiscard]] Result<std::shared_ptr<const Credentials>> credentials();
  // The server answered 401: the next credentials() reads everything again, but not more often
  // than once a second.
  void refused();

  [[nodiscard]] const std::string& server() const { return login_.server; }
  [[nodiscard]] const std::string& namespace_name() const { return login_.namespace_name; }

 private:
  struct Stamp {
    std::int64_t changed_ns = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  [[nodiscard]] static Stamp stamp_of(const std::string& file);
  [[nodiscard]] bool is_due(SteadyTime now) const REQUIRES(mutex_);
  [[nodiscard]] Result<Credentials> read() REQUIRES(mutex_);
  [[nodiscard]] Result<void> ask_plugin(Credentials& credentials) REQUIRES(mutex_);

  const Login login_;
  Mutex mutex_;
  std::shared_ptr<const Credentials> last_ GUARDED_BY(mutex_);
  std::optional<ExecCredential> plugin_ GUARDED_BY(mutex_);  // until it expires or is refused
  Stamp ca_stamp_ GUARDED_BY(mutex_);
  SteadyTime read_at_ GUARDED_BY(mutex_){};
  bool refused_ GUARDED_BY(mutex_) = false;
};

}  // namespace outflow::kube
