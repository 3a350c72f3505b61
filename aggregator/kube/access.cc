#include "aggregator/kube/access.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <tuple>

#include "common/file.h"
#include "common/log.h"

namespace outflow::kube {
namespace {

using namespace std::chrono_literals;

constexpr auto kRefusedEvery = 1s;
// A plugin's credential is asked for anew a little before it ends.
constexpr auto kBeforeExpiry = 10s;

std::string trimmed(std::string text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && is_space(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  return text;
}

Result<std::string> contents(const Material& material) {
  if (!material.data.empty() || material.file.empty()) return material.data;
  return read_file(material.file, kCredentialBytesMax);
}

TimePoint wall_now() {
  return std::chrono::time_point_cast<nanoseconds>(std::chrono::system_clock::now());
}

}  // namespace

bool may_be_a_header(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

bool same_tls(const Credentials& one, const Credentials& other) {
  const auto key = [](const Credentials& c) {
    return std::tie(c.server, c.ca, c.client_certificate, c.client_key, c.tls_server_name,
                    c.insecure_skip_verify);
  };
  return key(one) == key(other);
}

Result<std::unique_ptr<Access>> Access::in_cluster(const std::string& directory) {
  // NOLINTBEGIN(concurrency-mt-unsafe): nobody sets variables while the programs run
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  // NOLINTEND(concurrency-mt-unsafe)
  if (host == nullptr || port == nullptr || *host == '\0' || *port == '\0') {
    return fail(
        "not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  const std::string name(host);
  const bool v6 = name.find(':') != std::string::npos;
  Login login;
  login.server = "https://" + (v6 ? "[" + name + "]" : name) + ":" + port;
  login.ca.file = directory + "/ca.crt";
  login.token_file = directory + "/token";
  if (auto text = read_file(directory + "/namespace", kCredentialBytesMax)) {
    login.namespace_name = trimmed(*text);
  }
  auto access = std::make_unique<Access>(std::move(login));
  if (auto first = access->credentials(); !first) return fail(std::move(first).error());
  return access;
}

Result<std::unique_ptr<Access>> Access::from_kubeconfig(const std::string& file,
                                                        const std::string& context) {
  const auto config = read_kubeconfigs(file);
  if (!config) return fail(Error(config.error()));
  auto login = config->login(context);
  if (!login) return fail(std::move(login).error().within("kubeconfig"));
  auto access = std::make_unique<Access>(std::move(*login));
  if (auto first = access->credentials(); !first) return fail(std::move(first).error());
  return access;
}

Access::Stamp Access::stamp_of(const std::string& file) {
  struct stat status {};
  if (file.empty() || ::stat(file.c_str(), &status) != 0) return {};
  return {std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
          status.st_ino, status.st_size};
}

bool Access::is_due(SteadyTime now) const {
  if (last_ == nullptr || now - read_at_ >= kRereadEvery) return true;
  if (refused_ && now - read_at_ >= kRefusedEvery) return true;
  if (plugin_ && plugin_->expires && wall_now() + kBeforeExpiry >= *plugin_->expires) return true;
  return stamp_of(login_.ca.file) != ca_stamp_;
}

Result<void> Access::ask_plugin(Credentials& credentials) {
  const bool expired =
      plugin_ && plugin_->expires && wall_now() + kBeforeExpiry >= *plugin_->expires;
  if (!plugin_ || expired || refused_) {
    auto asked = run_exec_plugin(login_);
    if (!asked) return fail(std::move(asked).error());
    plugin_ = std::move(*asked);
  }
  if (!plugin_->token.empty()) credentials.token = plugin_->token;
  if (!plugin_->client_certificate.empty()) {
    credentials.client_certificate = plugin_->client_certificate;
    credentials.client_key = plugin_->client_key;
  }
  return {};
}

Result<Credentials> Access::read() {
  Credentials credentials;
  credentials.server = login_.server;
  credentials.tls_server_name = login_.tls_server_name;
  credentials.proxy = login_.proxy;
  credentials.insecure_skip_verify = login_.insecure_skip_verify;
  struct Wanted {
    const Material& from;
    std::string Credentials::*to;
    const char* field;
  };
  for (const Wanted& wanted :
       {Wanted{login_.ca, &Credentials::ca, "certificate-authority"},
        Wanted{login_.client_certificate, &Credentials::client_certificate, "client-certificate"},
        Wanted{login_.client_key, &Credentials::client_key, "client-key"}}) {
    auto text = contents(wanted.from);
    if (!text) return fail(std::move(text).error().within(wanted.field));
    credentials.*wanted.to = std::move(*text);
    if (wanted.from.given() && credentials.*wanted.to == "") {
      return fail(std::string(wanted.field) + ": " + wanted.from.file + ": is empty");
    }
  }
  credentials.token = login_.token;
  // As kubectl has it: the file is stronger, since it can be renewed.
  if (!login_.token_file.empty()) {
    auto text = read_file(login_.token_file, kCredentialBytesMax);
    if (!text) return fail(std::move(text).error().within("token"));
    credentials.token = trimmed(std::move(*text));
    if (credentials.token.empty()) return fail("token: " + login_.token_file + ": is empty");
  }
  if (login_.exec) {
    if (auto asked = ask_plugin(credentials); !asked) return fail(std::move(asked).error());
  }
  return credentials;
}

Result<std::shared_ptr<const Credentials>> Access::credentials() {
  const MutexLock lock(mutex_);
  const SteadyTime now = std::chrono::steady_clock::now();
  if (!is_due(now)) return last_;
  const Stamp stamp = stamp_of(login_.ca.file);
  auto read_now = read();
  read_at_ = std::chrono::steady_clock::now();
  ca_stamp_ = stamp;
  refused_ = false;
  if (!read_now) {
    if (last_ == nullptr) return fail(std::move(read_now).error());
    log::warn("credentials for the API server are not renewed; the last good ones go on",
              {{"error", read_now.error().what}});
    return last_;
  }
  last_ = std::make_shared<const Credentials>(std::move(*read_now));
  return last_;
}

void Access::refused() {
  const MutexLock lock(mutex_);
  refused_ = true;
}

}  // namespace outflow::kube
