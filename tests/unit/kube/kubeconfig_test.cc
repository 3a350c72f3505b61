#include "aggregator/kube/kubeconfig.h"

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace outflow;
using namespace outflow::kube;
using test::has_text;

namespace {

const std::string kWhole = R"(
apiVersion: v1
kind: Config
current-context: home
clusters:
- name: c
  cluster:
    server: https://api.example:6443/
    certificate-authority-data: Q0E=
    tls-server-name: kubernetes
- name: open
  cluster: {server: "https://other", insecure-skip-tls-verify: true, certificate-authority: ca.crt}
users:
- name: u
  user: {client-certificate: pki/u.crt, client-key-data: S0VZ, tokenFile: /run/token}
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./bin/login
      args: [--cluster, "a b"]
      env: [{name: REGION, value: eu}]
      provideClusterInfo: true
contexts:
- name: home
  context: {cluster: c, user: u, namespace: web}
- name: away
  context: {cluster: open, user: plugin}
- name: nobody
  context: {cluster: c, user: ghost}
- name: nowhere
  context: {cluster: ghost, user: u}
)";

Kubeconfig parsed(const std::string& text, const std::string& file = "/etc/kube/config") {
  auto config = Kubeconfig::parse(text, file);
  INFO((config ? "" : config.error().what));
  REQUIRE(config);
  return *config;
}
std::string refused(const std::string& text) {
  const auto config = Kubeconfig::parse(text, "F");
  return config ? "" : config.error().what;
}
void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("a context is a server, what proves it and who we are there") {
  const Login login = parsed(kWhole).login("").value();

  CHECK(login.server == "https://api.example:6443");
  CHECK(login.tls_server_name == "kubernetes");
  CHECK(login.ca.data == "CA");
  CHECK(login.client_certificate.file == "/etc/kube/pki/u.crt");
  CHECK(login.client_key.data == "KEY");
  CHECK(login.token_file == "/run/token");
  CHECK(login.namespace_name == "web");
  CHECK_FALSE(login.insecure_skip_verify);
}

TEST_CASE("a named context may have a plugin, whose path is relative to the file") {
  const Login login = parsed(kWhole).login("away").value();

  CHECK(login.insecure_skip_verify);
  CHECK(login.ca.file == "/etc/kube/ca.crt");
  REQUIRE(login.exec);
  CHECK(login.exec->command == "/etc/kube/./bin/login");
  CHECK(login.exec->args == std::vector<std::string>{"--cluster", "a b"});
  CHECK(login.exec->env.at(0) == std::pair<std::string, std::string>{"REGION", "eu"});
  CHECK(login.exec->provide_cluster_info);
}

TEST_CASE("what a context leads to and is not there is named with the file") {
  const Kubeconfig config = parsed(kWhole, "F");
  CHECK(config.login("x").error().what == "F: there is no context 'x'");
  CHECK(config.login("nobody").error().what ==
        "F: contexts[nobody].user: there is no user 'ghost'");
  CHECK(config.login("nowhere").error().what ==
        "F: contexts[nowhere].cluster: there is no cluster 'ghost'");
  CHECK_THAT(parsed("{}", "F").login("").error().what, has_text("F: current-context: is missing"));
}

TEST_CASE("a field that cannot be is named with its place") {
  CHECK_THAT(refused("- a"), has_text("F: is no kubeconfig"));
  CHECK_THAT(refused("a: [b"), has_text("F: yaml-cpp: error"));
  CHECK(refused("clusters: 7") == "F: clusters: is no list");
  CHECK(refused("users: [{name: u, user: {exec: {apiVersion: v}}}]") ==
        "F: users[u].exec.command: is missing");
  CHECK(refused("clusters: [{name: c, cluster: {certificate-authority-data: '***'}}]") ==
        "F: clusters[c].certificate-authority-data: is no base64");
  CHECK(refused("clusters: [{name: c, cluster: {insecure-skip-tls-verify: maybe}}]") ==
        "F: clusters[c].insecure-skip-tls-verify: is neither true nor false");
  CHECK_THAT(refused("users: [{name: u, user: {exec: {apiVersion: v, command: c, "
                     "interactiveMode: Always}}}]"),
             has_text("users[u].exec.interactiveMode: is Always"));
}

TEST_CASE("a login that could not work is refused before it is tried") {
  const auto with = [](const std::string& server, const std::string& user) {
    const auto login = parsed("current-context: x\nclusters: [{name: c, cluster: {server: '" +
                                  server + "'}}]\nusers: [{name: u, user: {" + user +
                                  "}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]",
                              "F")
                           .login("");
    return login ? "" : login.error().what;
  };
  CHECK(with("https://a", "token: t").empty());
  CHECK_THAT(with("ftp://a", "token: t"), has_text("F: clusters[c].server: 'ftp://a' is no"));
  CHECK_THAT(with("https://a", "client-certificate: f"), has_text("users[u]: client-certificate"));
  CHECK_THAT(with("https://a", "auth-provider: {name: gcp}"), has_text("users[u].auth-provider"));
}

TEST_CASE("of several files the first that says something decides, and one may be missing") {
  const test::TempDir dir;
  write(dir / "a", "current-context: y\nclusters: [{name: c, cluster: {server: 'https://first'}}]");
  write(dir / "b",
        "current-context: x\nclusters: [{name: c, cluster: {server: 'https://second'}}]\n"
        "users: [{name: u, user: {token: t, tokenFile: tok}}]\n"
        "contexts: [{name: y, context: {cluster: c, user: u}}]");
  const auto config = read_kubeconfigs((dir / "none") + ":" + (dir / "a") + "::" + (dir / "b"));

  REQUIRE(config);
  const Login login = config->login("").value();
  CHECK(login.server == "https://first");
  CHECK(login.token_file == (dir / "tok"));
  CHECK_THAT(read_kubeconfigs(dir / "none").error().what, has_text("No such file"));
}

TEST_CASE("base64 is read with its padding and line breaks, and nothing else") {
  CHECK(decode_base64("").value().empty());
  CHECK(decode_base64("YQ==").value() == "a");
  CHECK(decode_base64("YW\nI=").value() == "ab");
  CHECK(decode_base64("YWJj").value() == "abc");
  CHECK_FALSE(decode_base64("YWJ"));
  CHECK_FALSE(decode_base64("YW=j"));
  CHECK_FALSE(decode_base64("YW-_"));
}
