// The way through a cluster, with a stand-in for kubectl that does as a test tells it.
#include "aggregator/cli/reach.h"

#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "aggregator/cli/child.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace outflow;
using namespace outflow::cli;
using namespace std::chrono_literals;
using outflow::test::has_text;

namespace {

// PATH leads to a script that notes its arguments, one call a line, then runs `body`.
class StandIn {
 public:
  explicit StandIn(const std::string& body) : path_(std::getenv("PATH")) {
    const std::string file = dir_ / "kubectl";
    std::ofstream(file) << "#!/bin/sh\necho \"$*\" >> " << (dir_ / "calls") << "\n" << body << "\n";
    ::chmod(file.c_str(), 0755);
    ::setenv("PATH", (dir_ / "" + ":" + path_).c_str(), 1);
  }
  ~StandIn() { ::setenv("PATH", path_.c_str(), 1); }
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  [[nodiscard]] std::string calls() const { return content("calls"); }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream in(dir_ / name);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  [[nodiscard]] std::string operator/(const std::string& name) const { return dir_ / name; }

 private:
  const test::TempDir dir_;
  const std::string path_;
};

const char* const kForwards =
    "case \"$*\" in\n"
    "*configmap*) echo CA ;;\n"
    "*token*) echo a.b.c ;;\n"
    "*port-forward*) echo $$ > $(dirname \"$0\")/pid\n"
    "  echo 'Forwarding from [::1]:40001 -> 7443'\n"
    "  echo 'Forwarding from 127.0.0.1:40001 -> 7443'; exec sleep 600 ;;\n"
    "esac";

std::string error_of(const KubeSettings& settings, nanoseconds timeout = 20s) {
  const auto reach = reach_cluster(settings, true, timeout);
  REQUIRE_FALSE(reach);
  CHECK(reach.error().code == kExitError);
  return reach.error().message;
}

}  // namespace

TEST_CASE("only the line of our own address names the port", "[reach]") {
  CHECK(forwarded_port("Forwarding from 127.0.0.1:40001 -> 7443") == 40001);
  CHECK(forwarded_port("Forwarding from 127.0.0.1:40001") == 40001);
  for (const char* line :
       {"Forwarding from [::1]:40001 -> 7443", "Forwarding from 127.0.0.1:", "", "40001",
        "Forwarding from 127.0.0.1:70000 -> 7443", "Forwarding from 127.0.0.1:0 -> 7443",
        "Forwarding from 127.0.0.1:4x -> 7443", "Forwarding from 127.0.0.1:-4 -> 7443"}) {
    CHECK(forwarded_port(line) == 0);
  }
}

TEST_CASE("a server that was given is asked directly, a context through its cluster", "[reach]") {
  KubeSettings settings;
  settings.context = "home";
  CHECK_FALSE(through_cluster(true, settings));
  CHECK(through_cluster(false, settings));
}

TEST_CASE("a kubeconfig where kubectl looks leads through the cluster", "[reach]") {
  const test::TempDir dir;
  const std::string home = std::getenv("HOME");
  ::setenv("HOME", (dir / "").c_str(), 1);
  ::setenv("KUBECONFIG", (dir / "a" + ":" + dir / "b").c_str(), 1);
  CHECK_FALSE(through_cluster(false, {}));
  std::ofstream(dir / "b") << "x";
  CHECK(through_cluster(false, {}));
  ::unsetenv("KUBECONFIG");
  CHECK_FALSE(through_cluster(false, {}));
  ::mkdir((dir / ".kube").c_str(), 0700);
  std::ofstream(dir / ".kube/config") << "x";
  CHECK(through_cluster(false, {}));
  ::setenv("HOME", home.c_str(), 1);
}

TEST_CASE("kubectl is asked for token, CA and a port, each with our words as they are", "[reach]") {
  const StandIn kubectl(kForwards);
  KubeSettings settings;
  settings.context = "home; rm -rf /";
  settings.kubeconfig = "/tmp/$(k)";
  settings.service_account = "ops/reader";
  auto reach = reach_cluster(settings, true, 20s);
  if (!reach) FAIL(reach.error().message);

  CHECK(reach->server == "127.0.0.1:40001");
  CHECK(reach->ca_pem == "CA\n");
  CHECK(reach->token == "a.b.c");
  CHECK(reach->server_name == "outflow-aggregator");
  CHECK(reach->trouble().empty());
  const std::string who = "--context home; rm -rf / --kubeconfig /tmp/$(k) ";
  CHECK(
      kubectl.calls() ==
      who + "create token reader -n ops --audience outflow-aggregator --duration 10m\n" + who +
          "-n outflow-system get configmap outflow-ca --ignore-not-found -o "
          "jsonpath={.data.ca\\.crt}\n" +
          who +
          "-n outflow-system port-forward service/outflow-aggregator :7443 --address 127.0.0.1\n");
}

TEST_CASE("the child ends with the way", "[reach]") {
  const StandIn kubectl(kForwards);
  auto reach = reach_cluster({}, false, 20s);
  REQUIRE(reach);
  const int pid = std::stoi(kubectl.content("pid"));
  CHECK(::kill(pid, 0) == 0);
  CHECK(::getpgid(pid) == pid);

  *reach = Reach();
  CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("a child that does not mind TERM ends all the same", "[reach]") {
  auto child = Child::spawn({"sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1; done"});
  REQUIRE(child);
  const int pid = std::stoi(*child->line(std::chrono::steady_clock::now() + 20s));

  { const Child ends = std::move(*child); }
  CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("what kubectl says when it fails is told", "[reach]") {
  const StandIn kubectl("echo 'error: no such context' >&2; exit 1");

  CHECK_THAT(error_of({}), has_text("error: no such context") && has_text("--server"));
}

TEST_CASE("a way that cannot be opened is told with kubectl's words", "[reach]") {
  const StandIn kubectl(
      "case \"$*\" in *port-forward*) echo 'services not found' >&2; exit 1 ;; esac");

  CHECK_THAT(error_of({}), has_text("port-forward: kubectl ended: services not found"));
}

TEST_CASE("a kubectl that says nothing is given up in time", "[reach]") {
  const StandIn kubectl("case \"$*\" in *port-forward*) exec sleep 600 ;; esac");

  CHECK_THAT(error_of({}, 200ms), has_text("does not answer in time"));
}

TEST_CASE("a kubectl that says too much is given up", "[reach]") {
  const StandIn kubectl("case \"$*\" in *port-forward*) exec yes nonsense ;; esac");

  CHECK_THAT(error_of({}), has_text("says more than it should"));
}

TEST_CASE("without kubectl the error says so", "[reach]") {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  CHECK_THAT(error_of({}), has_text("not found in PATH"));
  ::setenv("PATH", path.c_str(), 1);
}

TEST_CASE("a child that dies midway is told of afterwards", "[reach]") {
  const StandIn kubectl(
      "case \"$*\" in *port-forward*) echo 'Forwarding from 127.0.0.1:1 -> 7443'\n"
      "echo 'lost connection to pod' >&2; kill -9 $$ ;; esac");
  const auto reach = reach_cluster({}, false, 20s);
  REQUIRE(reach);

  std::string trouble;
  while (trouble.empty()) trouble = reach->trouble();
  CHECK_THAT(trouble, has_text("lost connection to pod"));
}

TEST_CASE("a service account that is no NAMESPACE/NAME, or whose token is none, is refused",
          "[reach]") {
  const StandIn kubectl("echo two words");
  KubeSettings settings;
  for (const char* name : {"reader", "/reader", "ops/", "a/b/c"}) {
    settings.service_account = name;
    CHECK_THAT(error_of(settings), has_text("--service-account") && has_text(name));
  }
  settings.service_account = "ops/reader";
  CHECK_THAT(error_of(settings), has_text("is no token"));
}
