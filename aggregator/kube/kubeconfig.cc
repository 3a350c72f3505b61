#include "aggregator/kube/kubeconfig.h"

#include <filesystem>

#include <yaml-cpp/yaml.h>

#include "aggregator/inventory/json_value.h"
#include "common/file.h"

namespace outflow::kube {
namespace {

using inventory::Complaint;
using inventory::printable;

// A YAML node with its place, so that a complaint can name it. Absent and null are the same.
class Value {
 public:
  Value(const YAML::Node& node, std::string path, Complaint& complaint)
      : path_(std::move(path)), complaint_(&complaint) {
    if (node.IsDefined() && !node.IsNull()) node_.emplace(node);
  }

  [[nodiscard]] bool present() const { return node_.has_value(); }
  void complain(const std::string& what) const { complaint_->note(path_, what); }

  [[nodiscard]] Value operator[](const std::string& key) const {
    const std::string path = path_.empty() ? key : path_ + "." + key;
    if (!node_) return {YAML::Node(), path, *complaint_};
    if (!node_->IsMap()) {
      complain("is no map");
      return {YAML::Node(), path, *complaint_};
    }
    const YAML::Node& map = *node_;  // const: looking does not add
    return {map[key], path, *complaint_};
  }

  [[nodiscard]] std::vector<Value> items() const {
    std::vector<Value> all;
    if (!node_) return all;
    if (!node_->IsSequence()) {
      complain("is no list");
      return all;
    }
    for (const YAML::Node& item : *node_) {
      all.emplace_back(item, path_ + "[" + std::to_string(all.size()) + "]", *complaint_);
    }
    return all;
  }

  [[nodiscard]] std::string text() const {
    if (!node_) return "";
    if (node_->IsScalar()) return node_->Scalar();
    complain("is no text");
    return "";
  }

  [[nodiscard]] std::string required() const {
    std::string value = text();
    if (value.empty()) complain("is missing");
    return value;
  }

  [[nodiscard]] bool flag() const {
    const std::string value = text();
    if (value.empty() || value == "false") return false;
    if (value == "true") return true;
    complain("is neither true nor false");
    return false;
  }

  [[nodiscard]] std::string decoded() const {
    auto data = decode_base64(text());
    if (data) return *data;
    complain(data.error().what);
    return "";
  }

  // The same value under the name people know it by: users[admin] for users[3].user.
  [[nodiscard]] Value named(const std::string& path) const {
    Value value = *this;
    value.path_ = path;
    return value;
  }

 private:
  std::optional<YAML::Node> node_;
  std::string path_;
  Complaint* complaint_;
};

std::string relative_to(const std::string& file, const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  return (std::filesystem::path(file).parent_path() / path).string();
}

std::vector<std::string> split(const std::string& files) {
  std::vector<std::string> all;
  std::size_t begin = 0;
  while (begin <= files.size()) {
    const std::size_t end = std::min(files.find(':', begin), files.size());
    if (end > begin) all.push_back(files.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

}  // namespace

class KubeconfigReader {
 public:
  KubeconfigReader(const YAML::Node& root, std::string file)
      : file_(std::move(file)), root_(root, "", complaint_) {}

  Result<Kubeconfig> read() {
    Kubeconfig config;
    config.file_ = file_;
    const std::string kind = root_["kind"].text();
    if (!kind.empty() && kind != "Config") root_["kind"].complain("is not Config");
    config.current_context_ = root_["current-context"].text();
    for (const Value& item : root_["clusters"].items()) {
      const std::string name = item["name"].required();
      config.clusters_.emplace(name, cluster(item["cluster"].named("clusters[" + name + "]")));
    }
    for (const Value& item : root_["users"].items()) {
      const std::string name = item["name"].required();
      config.users_.emplace(name, user(item["user"].named("users[" + name + "]")));
    }
    for (const Value& item : root_["contexts"].items()) {
      const std::string name = item["name"].required();
      const Value context = item["context"].named("contexts[" + name + "]");
      config.contexts_.emplace(
          name, Kubeconfig::Context{context["cluster"].text(), context["user"].text(),
                                    context["namespace"].text()});
    }
    if (!complaint_.text().empty()) return fail(file_ + ": " + complaint_.text());
    return config;
  }

 private:
  [[nodiscard]] Material material(const Value& parent, const std::string& field) const {
    return {parent[field + "-data"].decoded(), relative_to(file_, parent[field].text())};
  }

  [[nodiscard]] Kubeconfig::Cluster cluster(const Value& value) const {
    return {value["server"].text(), value["tls-server-name"].text(), value["proxy-url"].text(),
            value["insecure-skip-tls-verify"].flag(), material(value, "certificate-authority")};
  }

  [[nodiscard]] Kubeconfig::User user(const Value& value) const {
    Kubeconfig::User user;
    user.client_certificate = material(value, "client-certificate");
    user.client_key = material(value, "client-key");
    user.token = value["token"].text();
    user.token_file = relative_to(file_, value["tokenFile"].text());
    if (value["exec"].present()) user.exec = exec(value["exec"]);
    for (const char* field : {"auth-provider", "username"}) {
      if (value[field].present()) user.unsupported = field;
    }
    return user;
  }

  [[nodiscard]] ExecPlugin exec(const Value& value) const {
    ExecPlugin plugin;
    plugin.api_version = value["apiVersion"].required();
    plugin.command = value["command"].required();
    if (plugin.command.find('/') != std::string::npos) {
      plugin.command = relative_to(file_, plugin.command);
    }
    for (const Value& arg : value["args"].items()) plugin.args.push_back(arg.text());
    for (const Value& variable : value["env"].items()) {
      plugin.env.emplace_back(variable["name"].required(), variable["value"].text());
    }
    plugin.provide_cluster_info = value["provideClusterInfo"].flag();
    plugin.install_hint = value["installHint"].text();
    if (value["interactiveMode"].text() == "Always") {
      value["interactiveMode"].complain("is Always, and nobody is here to be asked");
    }
    return plugin;
  }

  std::string file_;
  Complaint complaint_;
  Value root_;
};

Result<Kubeconfig> Kubeconfig::parse(std::string_view text, const std::string& file) {
  // yaml-cpp says what is wrong by throwing.
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (root.IsDefined() && !root.IsNull() && !root.IsMap()) {
      return fail(file + ": is no kubeconfig: it is no YAML map");
    }
    return KubeconfigReader(root, file).read();
  } catch (const YAML::Exception& error) {
    return fail(file + ": " + printable(error.what()));
  }
}

void Kubeconfig::add(Kubeconfig other) {
  if (current_context_.empty()) current_context_ = std::move(other.current_context_);
  clusters_.merge(other.clusters_);
  users_.merge(other.users_);
  contexts_.merge(other.contexts_);
  file_ += file_.empty() ? other.file_ : ":" + other.file_;
}

Result<Login> Kubeconfig::login(const std::string& context) const {
  const std::string name = context.empty() ? current_context_ : context;
  if (name.empty()) return fail(file_ + ": current-context: is missing, and no context was named");
  const auto chosen = contexts_.find(name);
  if (chosen == contexts_.end()) return fail(file_ + ": there is no context '" + name + "'");
  const std::string at = file_ + ": contexts[" + name + "]";
  const auto cluster = clusters_.find(chosen->second.cluster);
  if (cluster == clusters_.end()) {
    return fail(at + ".cluster: there is no cluster '" + chosen->second.cluster + "'");
  }
  Login login;
  login.server = cluster->second.server;
  login.tls_server_name = cluster->second.tls_server_name;
  login.proxy = cluster->second.proxy;
  login.insecure_skip_verify = cluster->second.insecure_skip_verify;
  login.ca = cluster->second.ca;
  login.namespace_name = chosen->second.namespace_name;
  while (login.server.ends_with('/')) login.server.pop_back();
  const std::string server_at = file_ + ": clusters[" + chosen->second.cluster + "].server";
  if (!login.server.starts_with("https://") && !login.server.starts_with("http://")) {
    return fail(server_at + ": '" + printable(login.server) + "' is no https:// or http:// URL");
  }
  if (!login.server.starts_with("https://") && !login.tls_server_name.empty()) {
    return fail(server_at + ": tls-server-name is given, but the server has no TLS");
  }
  if (chosen->second.user.empty()) return login;
  const auto user = users_.find(chosen->second.user);
  if (user == users_.end()) {
    return fail(at + ".user: there is no user '" + chosen->second.user + "'");
  }
  const User& who = user->second;
  const std::string user_at = file_ + ": users[" + chosen->second.user + "]";
  if (who.client_certificate.given() != who.client_key.given()) {
    return fail(user_at + ": client-certificate and client-key go together");
  }
  login.client_certificate = who.client_certificate;
  login.client_key = who.client_key;
  login.token = who.token;
  login.token_file = who.token_file;
  login.exec = who.exec;
  const bool way_in = who.client_certificate.given() || !who.token.empty() ||
                      !who.token_file.empty() || who.exec.has_value();
  if (!way_in && !who.unsupported.empty()) {
    return fail(user_at + "." + who.unsupported +
                ": is not supported; a certificate, token, tokenFile or exec is");
  }
  return login;
}

Result<Kubeconfig> read_kubeconfigs(const std::string& files) {
  std::string wanted = files;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets variables while the programs run
  const auto variable = [](const char* name) { return std::getenv(name); };
  if (wanted.empty() && variable("KUBECONFIG") != nullptr) wanted = variable("KUBECONFIG");
  if (wanted.empty() && variable("HOME") != nullptr) {
    wanted = std::string(variable("HOME")) + "/.kube/config";
  }
  const std::vector<std::string> paths = split(wanted);
  if (paths.empty()) return fail("no kubeconfig: none was named, and there is no home directory");
  Kubeconfig all;
  bool any = false;
  for (const std::string& path : paths) {
    if (paths.size() > 1 && !std::filesystem::exists(path)) continue;
    const auto text = read_file(path, kKubeconfigBytesMax);
    if (!text) return fail(Error(text.error()).within("kubeconfig"));
    auto config = Kubeconfig::parse(*text, path);
    if (!config) return fail(std::move(config).error().within("kubeconfig"));
    all.add(std::move(*config));
    any = true;
  }
  if (!any) return fail("kubeconfig " + wanted + ": none of these files is there");
  return all;
}

Result<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string decoded;
  std::uint32_t bits = 0;
  unsigned count = 0;
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos || padding > 0) return fail("is no base64");
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    ++digits;
    if (count >= 8) {
      count -= 8;
      decoded += static_cast<char>((bits >> count) & 0xffU);
    }
  }
  if ((digits + padding) % 4 != 0 || padding > 2) return fail("is no base64");
  return decoded;
}

}  // namespace outflow::kube
