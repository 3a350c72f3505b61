#include "aggregator/config.h"

#include <stdlib.h>

#include <vector>

#include "tests/support/catch.h"

using namespace outflow;
using outflow::test::has_text;

namespace {

std::variant<AggregatorConfig, CommandLineEnd> read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "outflow-aggregator");
  return read_aggregator_config(static_cast<int>(arguments.size()), arguments.data());
}

AggregatorConfig accepted(const std::vector<const char*>& arguments) {
  const auto result = read(arguments);
  REQUIRE(std::holds_alternative<AggregatorConfig>(result));
  return std::get<AggregatorConfig>(result);
}

CommandLineEnd ended(const std::vector<const char*>& arguments) {
  const auto result = read(arguments);
  REQUIRE(std::holds_alternative<CommandLineEnd>(result));
  return std::get<CommandLineEnd>(result);
}

// A variable of the environment as long as it lives. Tests have one thread.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    ::setenv(name, value, 1);  // NOLINT(concurrency-mt-unsafe)
  }
  ~Variable() { ::unsetenv(name_); }  // NOLINT(concurrency-mt-unsafe)
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

}  // namespace

TEST_CASE("without flags everything is local and kept for 400 days", "[config]") {
  const AggregatorConfig config = accepted({});

  CHECK(config.listen == "127.0.0.1:7443");
  CHECK(config.http_listen == "127.0.0.1:9444");
  CHECK(config.data_dir == "/var/lib/outflow-aggregator");
  CHECK(config.inventory_file.empty());
  CHECK(config.retention == std::chrono::days(400));
  CHECK(config.select.matches_everything());
  CHECK(config.own_namespace == "outflow-system");
}

TEST_CASE("the namespace Outflow runs in is told by flag or environment", "[config]") {
  const Variable own("OUTFLOW_OWN_NAMESPACE", "observability");

  CHECK(accepted({}).own_namespace == "observability");
  CHECK(accepted({"--own-namespace", "egress"}).own_namespace == "egress");
}

TEST_CASE("a flag wins over its environment variable, which wins over the default", "[config]") {
  const Variable retention("OUTFLOW_RETENTION", "30d");
  const Variable data_dir("OUTFLOW_DATA_DIR", "/from/environment");
  const AggregatorConfig config = accepted({"--retention", "7d", "--select", "tier in (3-edge)"});

  CHECK(config.retention == std::chrono::days(7));
  CHECK(config.data_dir == "/from/environment");
  CHECK(config.select.matches({{"tier", "3-edge"}}));
  CHECK_FALSE(config.select.matches({{"tier", "4-aux"}}));
}

TEST_CASE("several resolvers may be trusted", "[config]") {
  CHECK(accepted({}).trusted_resolvers.empty());
  const auto twice =
      accepted({"--trusted-resolver", "10.0.0.53", "--trusted-resolver", "fd00::/8"});
  REQUIRE(twice.trusted_resolvers.size() == 2);
  CHECK(twice.trusted_resolvers[0].to_string() == "10.0.0.53/32");

  const Variable resolvers("OUTFLOW_TRUSTED_RESOLVER", "10.0.0.53,fd00::/8");
  CHECK(accepted({}).trusted_resolvers == twice.trusted_resolvers);
}

TEST_CASE("HTTP can be switched off", "[config]") {
  CHECK(accepted({"--http-listen", ""}).http_listen.empty());
}

TEST_CASE("a wrong value ends with exit code 2 and the flag's name", "[config]") {
  const std::vector<std::pair<const char*, std::vector<const char*>>> cases = {
      {"--retention", {"--retention", "400"}},
      {"--retention", {"--retention", "1h"}},
      {"--retention", {"--retention", "-3d"}},
      {"--select", {"--select", "tier in (", "--listen", "127.0.0.1:1"}},
      {"--log-level", {"--log-level", "loud"}},
      {"--trusted-resolver", {"--trusted-resolver", "10.0.0.0/33"}},
      {"--trusted-resolver", {"--trusted-resolver", "10.0.0.53,dns.example.com"}},
      {"--listen", {"--listen", "7443"}},
      {"--listen", {"--listen", "0.0.0.0:7443"}},
      {"--listen", {"--listen", "unix:"}},
      {"--no-such-flag", {"--no-such-flag"}},
      {"stray", {"stray"}},
  };
  for (const auto& [flag, arguments] : cases) {
    const CommandLineEnd end = ended(arguments);
    CHECK(end.code == 2);
    CHECK_THAT(end.text, has_text(flag));
  }
}

TEST_CASE("a wrong value in the environment names its variable or flag", "[config]") {
  const Variable retention("OUTFLOW_RETENTION", "soon");
  const CommandLineEnd end = ended({});

  CHECK(end.code == 2);
  CHECK_THAT(end.text, has_text("--retention") || has_text("OUTFLOW_RETENTION"));
}

TEST_CASE("plaintext for everybody must be said", "[config]") {
  CHECK(accepted({"--listen", "0.0.0.0:7443", "--insecure"}).listen == "0.0.0.0:7443");
}

TEST_CASE("help and version go well", "[config]") {
  CHECK(ended({"--version"}).code == 0);
  CHECK(ended({"--version"}).text == std::string("outflow-aggregator ") + OUTFLOW_VERSION + "\n");
  CHECK(ended({"--help"}).code == 0);
  CHECK_THAT(ended({"--help"}).text, has_text("OUTFLOW_INVENTORY_FILE"));
}

TEST_CASE("restore and upgrade are tasks on the data folder, with flags on either side",
          "[config]") {
  CHECK(accepted({}).task == Task::Serve);
  const AggregatorConfig restore = accepted({"restore", "file", "--data-dir", "/d"});
  CHECK(restore.task == Task::Restore);
  CHECK(restore.backup_file == "file");
  CHECK(restore.data_dir == "/d");
  CHECK(accepted({"--data-dir", "/d", "upgrade"}).task == Task::Upgrade);
  CHECK(ended({"restore"}).code == 2);
}

TEST_CASE("the inventory has one source, and an empty kubeconfig is none", "[config]") {
  CHECK(accepted({"--kubeconfig", "/k"}).has_api_server());
  CHECK_FALSE(accepted({}).has_api_server());
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{"--kubeconfig", ""},
        std::vector<const char*>{"--kubeconfig", "/k", "--inventory-file", "/i"},
        std::vector<const char*>{"--kube", "--kube-context", "c"}}) {
    CHECK(ended(arguments).code == 2);
  }
}

TEST_CASE("TLS needs all of its files, and then listens anywhere", "[config]") {
  const AggregatorConfig config =
      accepted({"--listen", "0.0.0.0:7443", "--tls-cert", "c", "--tls-key", "k", "--tls-ca", "a"});
  CHECK(config.tls.certificate == "c");
  CHECK(config.tls.key == "k");
  CHECK(config.tls.authorities == "a");

  const auto refused = [](const std::vector<const char*>& arguments, const char* why) {
    const CommandLineEnd end = ended(arguments);
    CHECK(end.code == 2);
    CHECK_THAT(end.text, has_text(why));
  };
  refused({"--tls-cert", "c"}, "--tls-cert needs --tls-key");
  refused({"--tls-key", "k"}, "--tls-key needs --tls-cert");
  refused({"--tls-cert", "c", "--tls-key", "k"}, "--tls-cert needs --tls-ca");
  refused({"--tls-ca", "a"}, "--tls-ca needs --tls-cert and --tls-key");
  refused({"--enroll-ca-cert", "c"}, "--enroll-ca-key");
  refused({"--enroll-ca-cert", "c", "--enroll-ca-key", "k"}, "needs --tls-cert");
  refused({"--enroll-lifetime", "1m"}, "--enroll-lifetime");
}

TEST_CASE("who administers and what agents may send is told by flags or the environment",
          "[config]") {
  const Variable groups("OUTFLOW_ADMIN_GROUP", "ops,dev");
  const AggregatorConfig config =
      accepted({"--audience", "x", "--agent-rate", "3", "--agent-tuples-per-day", "5",
                "--enroll-lifetime", "1h", "--redact-external"});

  CHECK(config.admin_groups == std::vector<std::string>{"ops", "dev"});
  CHECK(config.audience == "x");
  CHECK(config.agent_limits.batches_per_second == 3);
  CHECK(config.agent_limits.tuples_per_day == 5);
  CHECK(config.enroll_lifetime == std::chrono::hours(1));
  CHECK(config.redact_external);
  CHECK(accepted({"--admin-group", "a", "--admin-group", "b"}).admin_groups ==
        std::vector<std::string>{"a", "b"});
}
