#include "aggregator/kube/exec_plugin.h"

#include <poll.h>
#include <unistd.h>

#include <array>

#include "common/fd.h"
#include "common/text.h"
#include "tests/support/catch.h"

using namespace outflow;
using namespace outflow::kube;
using namespace std::chrono_literals;
using test::has_text;

namespace {

const std::string kV1 = "client.authentication.k8s.io/v1";

// A plugin that is a line of shell; the plugin itself is started without one.
Login plugin(const std::string& script) {
  Login login;
  login.server = "https://api";
  login.ca.data = "CA";
  login.exec.emplace();
  login.exec->api_version = kV1;
  login.exec->command = "sh";
  login.exec->args = {"-c", script};
  login.exec->env = {{"TOKEN", "abc"}};
  return login;
}
std::string credential(const std::string& status) {
  return R"({"kind":"ExecCredential","apiVersion":")" + kV1 + R"(","status":{)" + status + "}}";
}

}  // namespace

TEST_CASE("a plugin is told what is wanted and gives a token that ends") {
  const auto given = run_exec_plugin(
      plugin(R"(case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 9;; esac
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",'
printf '"status":{"token":"%s","expirationTimestamp":"2026-05-18T10:00:00Z"}}' "$TOKEN")"));

  INFO((given ? "" : given.error().what));
  REQUIRE(given);
  CHECK(given->token == "abc");
  CHECK(to_text(*given->expires) == "2026-05-18T10:00:00Z");
}

TEST_CASE("a plugin that fails is quoted") {
  const auto given = run_exec_plugin(plugin("echo 'please log in' >&2; exit 3"));

  CHECK(given.error().what == "exec plugin sh exited with 3; it said: please log in?");
}

TEST_CASE("a plugin that does not end is ended, with what it started") {
  // Whoever still runs holds the pipe open.
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const Fd held(ends[0]);
  Fd inherited(ends[1]);
  const auto given = run_exec_plugin(plugin("sleep 1000 & sleep 1000"), 50ms);
  inherited.reset();

  CHECK(given.error().what == "exec plugin sh took longer than 50ms");
  pollfd closed{held.get(), POLLIN, 0};
  CHECK(::poll(&closed, 1, 10'000) == 1);
}

TEST_CASE("a plugin that prints without end is ended") {
  const auto given = run_exec_plugin(plugin("yes"));

  CHECK(given.error().what == "exec plugin sh printed more than 1024 KiB");
}

TEST_CASE("a plugin that is not there is an error with its hint") {
  Login login = plugin("");
  login.exec->command = "no-such-plugin";
  login.exec->install_hint = "get it somewhere";

  CHECK(run_exec_plugin(login).error().what ==
        "exec plugin no-such-plugin: No such file or directory (get it somewhere)");
}

TEST_CASE("what a plugin is told of the cluster is what the kubeconfig says") {
  Login login = plugin("");
  login.exec->provide_cluster_info = true;

  CHECK(exec_info(login) ==
        R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":)"
        R"({"interactive":false,"cluster":{"server":"https://api",)"
        R"("certificate-authority-data":"Q0E="}}})");
}

TEST_CASE("a credential without credentials, or of another version, is refused") {
  const auto why = [](const std::string& json) {
    const auto given = read_exec_credential(json, kV1);
    return given ? "" : given.error().what;
  };
  CHECK(why(credential(R"("token":"t")")).empty());
  CHECK_THAT(why(credential("")), has_text("status: has neither a token nor a certificate"));
  CHECK_THAT(why(credential(R"("clientCertificateData":"c")")), has_text("go together"));
  CHECK_THAT(why(credential(R"("token":"t","expirationTimestamp":"soon")")),
             has_text("status.expirationTimestamp"));
  CHECK_THAT(why(R"({"kind":"ExecCredential","apiVersion":"v2","status":{"token":"t"}})"),
             has_text("apiVersion: is not the client.authentication.k8s.io/v1"));
  CHECK_THAT(why("no"), has_text("printed no JSON"));
}
